// How missions are run in a real VS Code: from the palette, the menus and the view, in a terminal of their own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Sample } from './sample.mjs';

const mission = (name) => `mission ${name} {
  source API { auth: none, base: env("CUSTOMER_API"), retry: { maxAttempts: 1 } }
  store ${name.toLowerCase()}: file("${name.toLowerCase()}")

  action Fetch {
    get "/customers" { params: { limit: 100 }, paginate: page(page, 100) }
    store response.data -> ${name.toLowerCase()} { key: .id, upsert: true }
  }

  run Fetch
}
`;
const ALWAYS = ['Restart Language Server', 'Show Log'];
const IN_A_MISSION = ['Cancel Mission', 'Dry Run Mission', 'Resume Mission', 'Run Mission', 'Show Mission History'];
const PATIENCE = { timeout: 60_000 };

let vs;
let sample;

before(async () => {
  sample = await Sample.start({ 'sync.vague': `${mission('First')}\n${mission('Second')}`, 'notes.txt': 'no mission\n' });
  vs = await sample.open();
  await vs.openFile('sync.vague');
  await vs.waitForLanguageClient({ extension: 'reqon.reqon' });
});

after(() => sample?.stop());

/** The rows of the view, such as `First ✓ 14:02 · …`, as soon as all match. */
function missions(...expected) {
  const shown = (rows) => rows.map((row) => `${row.label} ${row.description}`);
  const good = (rows) => rows.length === expected.length && shown(rows).every((row, n) => expected[n].test(row));
  return vs.waitFor('the missions', () => vs.treeItems('Missions'), good, PATIENCE);
}

test('the palette offers what can be done with a mission where there is one', async () => {
  const titled = (names) => names.map((name) => `Reqon: ${name}`).sort();
  assert.deepEqual((await vs.paletteCommands('Reqon:')).sort(), titled([...ALWAYS, ...IN_A_MISSION]));
  await vs.openFile('notes.txt');
  assert.deepEqual((await vs.paletteCommands('Reqon:')).sort(), titled(ALWAYS));
  await vs.showTab('sync.vague');
});

test('the mission around the cursor runs in a terminal; one that failed is resumed', async () => {
  await vs.probe.command('reqon.missions.focus');
  await missions(/^First never run/, /^Second never run/);

  await vs.goto(16, 3);
  await vs.runCommand('Reqon: Run Mission');
  await vs.waitForStatus('Second');
  // The sample API answers 503 once, and this mission does not try again by itself.
  await vs.waitForNotification(/Mission 'Second' failed/, PATIENCE);
  await missions(/^First never run/, /^Second ✗ \d\d:\d\d Fetch · HTTP 503/);
  await vs.clickNotificationButton('Second', 'Resume');
  await missions(/^First never run/, /^Second ✓ \d\d:\d\d · 1,523 rec/);
  assert.match(await vs.terminalText(), /Second completed/);

  await vs.goto(16, 3);
  await vs.runCommand('Reqon: Resume Mission');
  await vs.waitForNotification(/'Second' has nothing to resume/);
  await vs.clearNotifications();
});

test('a file with several missions asks which one is meant, unless the cursor tells', async () => {
  await vs.goto(12, 1);
  await vs.runCommand('Reqon: Dry Run Mission');
  await vs.pick('First');
  await vs.waitFor('the dry run', () => vs.terminalText(), (text) => /--dry-run/.test(text), PATIENCE);
});

test('tasks stand for the missions, and tasks.json can name them', async () => {
  const tasks = await vs.probe.run(async (vscode) => (await vscode.tasks.fetchTasks({ type: 'reqon' })).map((task) => task.name));
  assert.deepEqual(tasks.sort(), ['dry run First', 'dry run Second', 'run First', 'run Second']);
});
