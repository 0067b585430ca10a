// A workspace that is not trusted: its text is colored, nothing of it is run, and the window says why.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Sample } from './sample.mjs';

let vs;
let sample;

before(async () => {
  sample = await Sample.start({ 'sync.vague': 'mission Sync {\n  store a: memory("a")\n  action Clean { clear a }\n}\n' });
  const trust = { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' };
  vs = await sample.open({ workspaceTrust: true, settings: trust });
});

after(() => sample?.stop());

test('nothing is started, and the language status leads to the trust', async () => {
  await vs.openFile('sync.vague');
  const language = (bar) => bar.find((one) => one.id === 'status.languageStatus')?.label ?? '';
  const shown = await vs.waitFor('the language status', () => vs.statusBar(), (bar) => /Reqon/.test(language(bar)));
  assert.match(language(shown), /Reqon: colors only, the workspace is not trusted/);
  assert.deepEqual(await vs.paletteCommands('Reqon:'), ['Reqon: Show Log']);
  if (process.env.REQON_SHOTS) await vs.screenshot(`${process.env.REQON_SHOTS}/untrusted.png`);
  assert.doesNotMatch(vs.outputLog('Reqon') ?? '', /server started/);
});
