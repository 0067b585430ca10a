// Entry point: starts the language server where the workspace is trusted, and registers commands.
import * as vscode from "vscode";
import { Server } from "./server";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<{ readonly client: unknown }> {
  const own = new Server();
  server = own;
  context.subscriptions.push(
    own,
    vscode.commands.registerCommand("reqon.restartServer", () => own.restart()),
    vscode.commands.registerCommand("reqon.showOutput", () => own.output.show()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => own.start()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("reqon.interpreter")) void own.restart();
    }),
  );
  if (vscode.workspace.isTrusted) await own.start();
  return {
    get client() {
      return own.running;
    },
  };
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}
