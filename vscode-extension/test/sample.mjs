// A workspace with missions beside the sample API, and a VS Code that shows it.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { VSCode } from './driver/driver.mjs';

const PYTHON = process.env.REQON_PYTHON ?? 'python3';
const VSIX = path.join(import.meta.dirname, '..', 'reqon.vsix');

export class Sample {
  /** Writes `files` (name to text) into a new workspace and starts the sample API. */
  static async start(files) {
    const sample = new Sample();
    sample.workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'reqon-vscode-'));
    // In the workspace's settings: a remote window takes no interpreter from the user's.
    sample.write('.vscode/settings.json', JSON.stringify({ 'reqon.interpreter': [PYTHON] }));
    sample.api = spawn(PYTHON, ['-m', 'reqon', 'demo', '--serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    sample.address = await address(sample.api);
    for (const [name, text] of Object.entries(files)) sample.write(name, text);
    sample.write('.env', `CUSTOMER_API=${sample.address}\n`);
    return sample;
  }

  write(name, text) {
    const file = path.join(this.workspace, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  async open(options = {}) {
    this.vs = await VSCode.start({ workspace: this.workspace, extensions: [VSIX], ...options });
    return this.vs;
  }

  reqon(...args) {
    const env = { ...process.env, CUSTOMER_API: this.address };
    return execFileSync(PYTHON, ['-m', 'reqon', ...args], { cwd: this.workspace, env, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  }

  async stop() {
    this.api?.kill();
    await this.vs?.stop();
    fs.rmSync(this.workspace, { recursive: true, force: true });
  }
}

function address(api) {
  return new Promise((resolve, reject) => {
    let seen = '';
    api.stdout.on('data', (data) => {
      seen += data;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(seen);
      if (found) resolve(found[0]);
    });
    api.on('exit', () => reject(new Error(`the sample API ended: ${seen}`)));
  });
}
