// Which mission is meant: the one a lens names, the one around the cursor, or the user's choice.
import * as vscode from "vscode";
import type { Server } from "./server";

export type Way = "run" | "resume" | "dryRun";
export type Verb = Way | "cancel" | "history";

/** A row of the server's answer to `reqon.server.missions`. */
export interface Mission {
  readonly mission: string;
  readonly path: string;
  /** First and last line, from 0. */
  readonly lines: readonly [number, number];
  readonly state: "running" | "completed" | "failed" | "interrupted" | null;
  readonly status: string;
  readonly running: boolean;
  /** The command line of each way that is open now. */
  readonly commands: Readonly<Partial<Record<Way, readonly string[]>>>;
  readonly folder: string | null;
}

/** What lenses, hints and code actions hand over. */
interface Named {
  readonly uri: string;
  readonly mission: string;
}

const NOTHING: Record<Verb, string> = {
  run: "runs already",
  dryRun: "cannot be tried now",
  resume: "has nothing to resume: its last run was completed, or there is none",
  cancel: "is not running",
  history: "has no history",
};

/** The missions of a file, around a line where one is given, or of the whole workspace. */
export async function missionsOf(server: Server, uri?: string, line?: number): Promise<readonly Mission[]> {
  return (await server.execute<Mission[]>("reqon.server.missions", { uri, line })) ?? [];
}

/** The mission that a command is about; undefined where there is none, which the user is told. */
export async function choose(server: Server, verb: Verb, argument: unknown): Promise<Mission | undefined> {
  if (isMission(argument)) return argument;
  if (!(await server.isReady())) return undefined;
  const found = await candidates(server, argument);
  const fitting = found.filter((one) => canDo(one, verb));
  if (fitting.length === 0) {
    const only = found.length === 1 ? `Mission '${found[0].mission}' ${NOTHING[verb]}.` : undefined;
    void vscode.window.showInformationMessage(only ?? (found.length ? `No mission here ${NOTHING[verb]}.` : "There is no mission here."));
    return undefined;
  }
  if (fitting.length === 1) return fitting[0];
  const rows = fitting.map((one) => ({ label: one.mission, description: one.status, detail: vscode.workspace.asRelativePath(one.path), one }));
  return (await vscode.window.showQuickPick(rows, { placeHolder: "Which mission?", matchOnDetail: true }))?.one;
}

function canDo(one: Mission, verb: Verb): boolean {
  if (verb === "history") return true;
  return verb === "cancel" ? one.running : one.commands[verb] !== undefined;
}

async function candidates(server: Server, argument: unknown): Promise<readonly Mission[]> {
  if (isNamed(argument)) {
    return (await missionsOf(server, argument.uri)).filter((one) => one.mission === argument.mission);
  }
  const editor = vscode.window.activeTextEditor;
  const shown = editor?.document.languageId === "reqon" ? editor.document.uri : undefined;
  const uri = argument instanceof vscode.Uri ? argument : shown;
  const line = uri !== undefined && uri.toString() === shown?.toString() ? editor?.selection.active.line : undefined;
  return missionsOf(server, uri && server.spelled(uri), line);
}

function isNamed(value: unknown): value is Named {
  return typeof value === "object" && value !== null && "mission" in value && "uri" in value;
}

function isMission(value: unknown): value is Mission {
  return typeof value === "object" && value !== null && "mission" in value && "commands" in value;
}
