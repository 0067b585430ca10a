// The language client: started once, restarted in turn, and quiet about what the user cannot mend.
import * as vscode from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type LanguageClientOptions,
  type ServerOptions,
} from "vscode-languageclient/node";
import { findInterpreter, type Interpreter, type Probe } from "./interpreter";

export class Server {
  readonly output = vscode.window.createOutputChannel("Reqon", { log: true });
  private readonly item = vscode.languages.createLanguageStatusItem("reqon.server", { language: "reqon" });
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();

  constructor() {
    this.item.name = "Reqon";
    this.item.command = { command: "reqon.showOutput", title: "Show log" };
  }

  /** The running client, for tests and for the commands of the extension. */
  get running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  start(): Promise<void> {
    return this.inTurn(() => this.launch());
  }

  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.halt();
      await this.launch();
    });
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.halt());
  }

  dispose(): void {
    this.item.dispose();
    this.output.dispose();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async launch(): Promise<void> {
    this.item.busy = true;
    this.item.text = "Reqon: starting";
    const found = await findInterpreter();
    this.item.busy = false;
    if (isFailure(found)) return this.explain(found);
    this.client = new LanguageClient("reqon", "Reqon", serverOptions(found), this.clientOptions());
    try {
      await this.client.start();
      this.item.severity = vscode.LanguageStatusSeverity.Information;
      this.item.text = "Reqon: ready";
      this.item.detail = found.command;
      this.output.info(`server started with ${found.command}`);
    } catch (error) {
      this.broken("the language server does not start", String(error));
    }
  }

  private async halt(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined && client.state !== State.Stopped) await client.stop().catch(() => undefined);
    await client?.dispose().catch(() => undefined);
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [
        { language: "reqon", scheme: "file" },
        { language: "reqon", scheme: "untitled" },
      ],
      initializationOptions: { stateDir: vscode.workspace.getConfiguration("reqon").get("stateDir", "") },
      synchronize: { configurationSection: "reqon" },
      outputChannel: this.output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    };
  }

  private explain(probes: readonly Probe[]): void {
    for (const { interpreter, problem } of probes) {
      this.output.warn(`${[interpreter.command, ...interpreter.args].join(" ")}: ${problem}`);
    }
    const last = probes.find(({ problem }) => problem?.startsWith("Reqon")) ?? probes.at(0);
    this.broken("no Python with Reqon was found", last ? `${last.interpreter.command}: ${last.problem}` : "");
  }

  private broken(what: string, why: string): void {
    this.item.severity = vscode.LanguageStatusSeverity.Error;
    this.item.text = `Reqon: ${what}`;
    this.item.detail = why;
    this.output.error(`${what}: ${why}`);
    const settings = "Open Settings";
    const log = "Show Log";
    void vscode.window.showWarningMessage(`Reqon: ${what} (${why}).`, settings, log).then((choice) => {
      if (choice === settings) void vscode.commands.executeCommand("workbench.action.openSettings", "reqon.interpreter");
      if (choice === log) this.output.show();
    });
  }
}

function isFailure(found: Interpreter | readonly Probe[]): found is readonly Probe[] {
  return Array.isArray(found);
}

function serverOptions(interpreter: Interpreter): ServerOptions {
  // "-P": no module of the workspace takes the place of a library's.
  const args = [...interpreter.args, "-P", "-m", "reqon_lsp", "--stdio"];
  return { command: interpreter.command, args, options: { shell: false } };
}
