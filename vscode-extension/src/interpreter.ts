// Which Python runs the language server: the first that is found and has Reqon.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

export interface Interpreter {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Probe {
  readonly interpreter: Interpreter;
  /** Why this one cannot serve; undefined where it can. */
  readonly problem: string | undefined;
}

const PROBE = [
  "import sys, importlib.util as u",
  "print('.'.join(map(str, sys.version_info[:3])), bool(u.find_spec('reqon_lsp')))",
].join("\n");
const PROBE_TIMEOUT_MS = 5_000;

/** The first usable interpreter, or the probes that failed, in the order in which they were tried. */
export async function findInterpreter(): Promise<Interpreter | readonly Probe[]> {
  const failed: Probe[] = [];
  for (const interpreter of candidates()) {
    const problem = await probe(interpreter);
    if (problem === undefined) return interpreter;
    failed.push({ interpreter, problem });
  }
  return failed;
}

function candidates(): Interpreter[] {
  const configured = vscode.workspace.getConfiguration("reqon").get<string[]>("interpreter", []);
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  if (configured.length > 0) {
    const [command, ...args] = configured.map((part) => expand(part, folders[0]));
    return [{ command, args }];
  }
  const windows = process.platform === "win32";
  const local = windows ? ["Scripts", "python.exe"] : ["bin", "python"];
  const environments = folders
    .flatMap((folder) => [".venv", "venv"].map((name) => path.join(folder, name, ...local)))
    .filter((file) => existsSync(file))
    .map((command) => ({ command, args: [] }));
  const onPath = windows
    ? [{ command: "py", args: ["-3"] }, { command: "python", args: [] }]
    : [{ command: "python3", args: [] }, { command: "python", args: [] }];
  return [...environments, ...onPath];
}

function expand(part: string, folder: string | undefined): string {
  return part
    .replace(/^~(?=$|[\\/])/, homedir())
    .replaceAll("${workspaceFolder}", folder ?? "")
    .replaceAll("${userHome}", homedir());
}

function probe(interpreter: Interpreter): Promise<string | undefined> {
  const args = [...interpreter.args, "-c", PROBE];
  return new Promise((resolve) => {
    execFile(interpreter.command, args, { timeout: PROBE_TIMEOUT_MS }, (error, stdout) => {
      if (error) return resolve(error.killed ? "it did not answer within 5 s" : "it cannot be started");
      const [version, hasReqon] = stdout.trim().split(" ");
      const [major, minor] = version.split(".").map(Number);
      if (major < 3 || (major === 3 && minor < 11)) return resolve(`Python ${version} is older than 3.11`);
      return resolve(hasReqon === "True" ? undefined : "Reqon is not installed in it");
    });
  });
}
