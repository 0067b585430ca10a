// The view "Missions" of the explorer: every mission of the workspace with the status of its last run.
import * as vscode from "vscode";
import { type Mission, missionsOf } from "./missions";
import type { Server } from "./server";

const ICONS = {
  running: new vscode.ThemeIcon("sync~spin"),
  completed: new vscode.ThemeIcon("pass", new vscode.ThemeColor("testing.iconPassed")),
  failed: new vscode.ThemeIcon("error", new vscode.ThemeColor("testing.iconFailed")),
  interrupted: new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground")),
};
const NEVER = new vscode.ThemeIcon("circle-outline");
/** How often a visible view looks again while a mission runs. */
const RUNNING_MS = 1_000;

export class MissionsView implements vscode.TreeDataProvider<Mission>, vscode.Disposable {
  private readonly events = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.events.event;
  private readonly view = vscode.window.createTreeView("reqon.missions", { treeDataProvider: this });
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {
    this.view.onDidChangeVisibility(({ visible }) => {
      if (visible) this.refresh();
    });
  }

  refresh(): void {
    this.events.fire(undefined);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.view.dispose();
    this.events.dispose();
  }

  async getChildren(): Promise<Mission[]> {
    if (this.server.running === undefined) return [];
    const found = [...(await missionsOf(this.server))].sort((a, b) => a.mission.localeCompare(b.mission) || a.path.localeCompare(b.path));
    clearTimeout(this.timer);
    if (this.view.visible && found.some((one) => one.running)) this.timer = setTimeout(() => this.refresh(), RUNNING_MS);
    return found;
  }

  getTreeItem(one: Mission): vscode.TreeItem {
    const item = new vscode.TreeItem(one.mission);
    const uri = vscode.Uri.file(one.path);
    item.id = `${one.path}#${one.mission}`;
    item.description = one.status;
    item.tooltip = `${one.mission}: ${one.status}\n${vscode.workspace.asRelativePath(uri)}`;
    item.iconPath = one.state === null ? NEVER : ICONS[one.state];
    item.contextValue = one.running ? "running" : one.commands.resume ? "resumable" : "idle";
    const line = new vscode.Position(one.lines[0], 0);
    item.command = { command: "vscode.open", title: "Open", arguments: [uri, { selection: new vscode.Range(line, line) }] };
    return item;
  }
}
