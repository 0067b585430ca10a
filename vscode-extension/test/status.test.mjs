// What an author sees in a real VS Code: mistakes as they are typed, and the last execution's status
// beside the mission's first line, live, from records that the real runtime wrote.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Sample } from './sample.mjs';

const SHOTS = process.env.REQON_SHOTS;
const MISSION = `mission CustomerSync {
  stateRetention: 7 days

  source API { auth: none, base: env("CUSTOMER_API") }
  store customers: file("customers")

  action FetchCustomers {
    get "/customers" { params: { limit: 100 }, paginate: page(page, 100), since: lastSync }
    store response.data -> customers { key: .id, upsert: true }
  }

  run FetchCustomers
}
`;

let vs;
let sample;
let file;

const shot = (name) => (SHOTS ? vs.screenshot(path.join(SHOTS, name)) : undefined);

/** The hint of the mission's first line, as soon as it says what is expected. */
async function status(expected) {
  const first = (list) => list.find((hint) => hint.line === 1)?.text ?? '';
  return first(await vs.inlayHints({ until: (list) => expected.test(first(list)) }));
}

/** Waits until the lenses above the mission are these. */
async function lenses(...titles) {
  const shown = (list) => list.map((lens) => lens.title ?? lens.text).join(' | ');
  await vs.codeLenses({ until: (list) => shown(list) === titles.join(' | ') });
}

before(async () => {
  sample = await Sample.start({ 'sync.vague': MISSION });
  file = path.join(sample.workspace, 'sync.vague');
  vs = await sample.open({ settings: { 'editor.inlayHints.fontSize': 12 } });
});

after(() => sample?.stop());

test('mistakes are underlined at their exact place, and go when they are mended', async () => {
  await vs.openFile('sync.vague');
  await vs.waitForLanguageClient({ extension: 'reqon.reqon' });
  assert.deepEqual(await vs.squiggles(), []);

  await vs.probe.setText(file, MISSION.replace('7 days', '7 fortnights').replace('-> customers', '-> custmers'));
  const found = await vs.waitFor('two diagnostics', () => vs.probe.diagnostics(file), (list) => list.length === 2);
  const codes = found.map((each) => each.code?.value ?? each.code);
  assert.deepEqual(codes.sort(), ['RQ203', 'RQ307']);
  await vs.squiggles({ until: (list) => list.length === 2 });
  await shot('mistakes.png');

  await vs.probe.setText(file, MISSION);
  await vs.squiggles({ until: (list) => list.length === 0 });
  await vs.save();
});

test('the last execution stands beside the mission, as soon as its record changes', async () => {
  // The sample API answers 503 once, and this mission does not try again by itself.
  assert.throws(() => sample.reqon('sync.vague', '--quiet'), /503 Service Unavailable/);
  assert.match(await status(/✗/), /✗ \d\d:\d\d FetchCustomers · HTTP 503/);
  await lenses('Run', 'Resume', 'Dry run', 'History');
  await shot('failed.png');

  sample.reqon('sync.vague', '--resume', '--quiet');
  assert.match(await status(/✓/), /✓ \d\d:\d\d · 1,523 rec · [\d.]+s/);
  await lenses('Run', 'Dry run', 'History');
  await shot('completed.png');

  await vs.probe.setText(file, MISSION.replace('limit: 100', 'limit: 50').replace('page(page, 100)', 'page(page, 50)'));
  await status(/edited since/);
});
