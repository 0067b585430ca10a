// Entry point: starts the language server where the workspace is trusted, and registers what users can do.
import * as vscode from "vscode";
import { choose, type Mission, type Verb, type Way } from "./missions";
import { LiveRuns, start, Tasks } from "./runs";
import { Server } from "./server";
import { MissionsView } from "./view";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<{ readonly client: unknown }> {
  const own = new Server();
  server = own;
  const view = new MissionsView(own);
  own.onReady = () => view.refresh();
  context.subscriptions.push(
    own,
    view,
    new LiveRuns(() => view.refresh()),
    vscode.tasks.registerTaskProvider("reqon", new Tasks(own)),
    ...missionCommands(own),
    vscode.commands.registerCommand("reqon.refreshMissions", () => view.refresh()),
    vscode.commands.registerCommand("reqon.restartServer", () => own.restart()),
    vscode.commands.registerCommand("reqon.showOutput", () => own.output.show()),
    vscode.workspace.onDidSaveTextDocument((document) => {
      if (document.languageId === "reqon") view.refresh();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => own.start()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("reqon.interpreter")) own.settle();
    }),
  );
  void vscode.commands.executeCommand("setContext", "reqon.active", true);
  if (vscode.workspace.isTrusted) await own.start();
  else own.waitForTrust();
  return {
    get client() {
      return own.running;
    },
  };
}

/** `reqon.run` and its kin: from lenses, menus, keys, the palette and the view. */
function missionCommands(own: Server): vscode.Disposable[] {
  const register = (verb: Verb, act: (mission: Mission) => Promise<unknown>): vscode.Disposable =>
    vscode.commands.registerCommand(`reqon.${verb}`, async (argument?: unknown) => {
      const mission = await choose(own, verb, argument);
      if (mission !== undefined) await act(mission);
    });
  const named = (mission: Mission) => ({ uri: own.spelled(vscode.Uri.file(mission.path)), mission: mission.mission });
  return [
    ...(["run", "resume", "dryRun"] as const).map((way: Way) => register(way, (mission) => start(mission, way))),
    register("cancel", (mission) => own.execute("reqon.server.cancel", named(mission))),
    register("history", (mission) => own.execute("reqon.server.history", named(mission))),
  ];
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}
