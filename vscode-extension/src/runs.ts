// Runs as tasks: a terminal of their own, which can be stopped, repeated and written into tasks.json.
import * as vscode from "vscode";
import { type Mission, missionsOf, type Way } from "./missions";
import type { Server } from "./server";

const TYPE = "reqon";
const TITLES: Record<Way, string> = { run: "run", resume: "resume", dryRun: "dry run" };
const INTERRUPTED = new Set([130, 143]);

interface Definition extends vscode.TaskDefinition {
  readonly file: string;
  readonly mission: string;
  readonly mode?: Way;
}

/** Starts a mission in a terminal, after its files were saved. */
export async function start(mission: Mission, way: Way): Promise<void> {
  const command = mission.commands[way];
  if (command === undefined || !(await saved())) return;
  await vscode.tasks.executeTask(taskOf(mission, way, command));
}

/** Saves what is unsaved of Reqon's files: the run reads them from the disk. */
async function saved(): Promise<boolean> {
  const unsaved = vscode.workspace.textDocuments.filter((one) => one.languageId === "reqon" && one.isDirty && !one.isUntitled);
  const done = await Promise.all(unsaved.map((one) => one.save()));
  return done.every(Boolean);
}

function taskOf(mission: Mission, way: Way, command: readonly string[], written?: vscode.TaskDefinition): vscode.Task {
  const uri = vscode.Uri.file(mission.path);
  const definition: Definition = { type: TYPE, file: vscode.workspace.asRelativePath(uri, false), mission: mission.mission, mode: way };
  const task = new vscode.Task(
    written ?? definition,
    vscode.workspace.getWorkspaceFolder(uri) ?? vscode.TaskScope.Workspace,
    `${TITLES[way]} ${mission.mission}`,
    "Reqon",
    new vscode.ProcessExecution(command[0], command.slice(1), { cwd: mission.folder ?? undefined }),
    "$reqon",
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true, showReuseMessage: false };
  return task;
}

/** Tasks of type `reqon`: those of the workspace's missions, and those that tasks.json names. */
export class Tasks implements vscode.TaskProvider {
  constructor(private readonly server: Server) {}

  async provideTasks(): Promise<vscode.Task[]> {
    if (this.server.running === undefined) return [];
    const missions = await missionsOf(this.server);
    return missions.flatMap((one) =>
      (["run", "resume", "dryRun"] as const).flatMap((way) => {
        const command = one.commands[way];
        return command === undefined ? [] : [taskOf(one, way, command)];
      }),
    );
  }

  async resolveTask(task: vscode.Task): Promise<vscode.Task | undefined> {
    const { file, mission, mode = "run" } = task.definition as Definition;
    const folder = typeof task.scope === "object" ? task.scope : vscode.workspace.workspaceFolders?.[0];
    if (this.server.running === undefined || folder === undefined) return undefined;
    const uri = vscode.Uri.joinPath(folder.uri, file);
    const found = (await missionsOf(this.server, this.server.spelled(uri))).find((one) => one.mission === mission);
    const command = found?.commands[mode];
    return found && command ? taskOf(found, mode, command, task.definition) : undefined;
  }
}

/** Shows what runs in the status bar while it does, and what to do about a run that failed. */
export class LiveRuns implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("reqon.runs", vscode.StatusBarAlignment.Left);
  private readonly live = new Map<vscode.TaskExecution, string>();
  private readonly own: vscode.Disposable[];

  constructor(private readonly changed: () => void) {
    this.item.name = "Reqon: running missions";
    this.item.command = "workbench.action.tasks.showTasks";
    this.own = [
      vscode.tasks.onDidStartTask(({ execution }) => {
        if (execution.task.definition.type === TYPE) this.live.set(execution, (execution.task.definition as Definition).mission);
        this.show();
      }),
      vscode.tasks.onDidEndTask(({ execution }) => {
        if (this.live.delete(execution)) this.show();
      }),
      vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        if (execution.task.definition.type === TYPE && exitCode) void this.offer(execution.task, exitCode);
      }),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.own, this.item).dispose();
  }

  private show(): void {
    const names = [...new Set(this.live.values())];
    this.item.text = `$(sync~spin) ${names.length === 1 ? names[0] : `${names.length} missions`}`;
    this.item.tooltip = `Reqon runs ${names.join(", ")}. Click to see the terminal.`;
    if (names.length > 0) this.item.show();
    else this.item.hide();
    this.changed();
  }

  private async offer(task: vscode.Task, exitCode: number): Promise<void> {
    const { mission, file } = task.definition as Definition;
    if (INTERRUPTED.has(exitCode)) return;
    const folder = typeof task.scope === "object" ? task.scope.uri : vscode.workspace.workspaceFolders?.[0]?.uri;
    const uri = folder ? vscode.Uri.joinPath(folder, file) : vscode.Uri.file(file);
    const choice = await vscode.window.showErrorMessage(`Mission '${mission}' failed: the terminal says why.`, "Resume", "History");
    const argument = { uri: uri.toString(), mission };
    if (choice !== undefined) await vscode.commands.executeCommand(`reqon.${choice.toLowerCase()}`, argument);
  }
}
