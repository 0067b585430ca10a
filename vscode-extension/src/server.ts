// The language client: started once, restarted in turn, and quiet about what the user cannot mend.
import * as vscode from "vscode";
import {
  LanguageClient,
  ExecuteCommandRequest,
  RevealOutputChannelOn,
  State,
  type LanguageClientOptions,
  type ServerOptions,
  type StaticFeature,
} from "vscode-languageclient/node";
import { findInterpreter, type Interpreter, type Probe } from "./interpreter";

/** Commands that this extension runs itself: lenses and hints then carry these instead of the server's own. */
const COMMANDS = ["reqon.run", "reqon.resume", "reqon.dryRun", "reqon.cancel", "reqon.history"];

const SETTLING_MS = 500;

export class Server {
  readonly output = vscode.window.createOutputChannel("Reqon", { log: true });
  private readonly item = vscode.languages.createLanguageStatusItem("reqon.server", { language: "reqon" });
  private client: LanguageClient | undefined;
  /** The setting of the interpreter at the last start. */
  private wanted = "";
  private settling: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  /** Called after each start of the server. */
  onReady: () => void = () => undefined;

  constructor() {
    this.item.name = "Reqon";
  }

  /** The running client, for tests and for the commands of the extension. */
  get running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  /** The URI of a file as the server gets it of documents. */
  spelled(uri: vscode.Uri): string {
    return this.client?.code2ProtocolConverter.asUri(uri) ?? uri.toString();
  }

  /** Whether the server runs, after a start that is under way; if not, the user is told. */
  async isReady(): Promise<boolean> {
    await this.turn;
    if (this.running !== undefined) return true;
    const restart = "Restart";
    const log = "Show Log";
    const choice = await vscode.window.showWarningMessage("Reqon: the language server is not running.", restart, log);
    if (choice === log) this.output.show();
    if (choice === restart) await this.restart();
    return this.running !== undefined;
  }

  /** A command of the server; what it refuses is shown, and undefined given. */
  async execute<T>(command: string, argument: object): Promise<T | undefined> {
    try {
      return (await this.running?.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] })) as T | undefined;
    } catch (error) {
      void vscode.window.showErrorMessage(`Reqon: ${error instanceof Error ? error.message : String(error)}.`);
      return undefined;
    }
  }

  /** Says in the language status why there are colors only. */
  waitForTrust(): void {
    this.item.severity = vscode.LanguageStatusSeverity.Warning;
    this.item.text = "Reqon: colors only";
    this.item.detail = "the workspace is not trusted";
    this.item.command = { command: "workbench.trust.manage", title: "Manage trust" };
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

  /** Restarts where the interpreter is another one, once settings stand still: windows change them while they open. */
  settle(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      if (vscode.workspace.isTrusted && configured() !== this.wanted) void this.restart();
    }, SETTLING_MS);
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.halt());
  }

  dispose(): void {
    clearTimeout(this.settling);
    this.item.dispose();
    this.output.dispose();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async launch(): Promise<void> {
    this.item.busy = true;
    this.item.severity = vscode.LanguageStatusSeverity.Information;
    this.item.text = "Reqon: starting";
    this.item.detail = undefined;
    this.item.command = { command: "reqon.showOutput", title: "Show log" };
    this.wanted = configured();
    const found = await findInterpreter();
    this.item.busy = false;
    if (isFailure(found)) return this.explain(found);
    this.client = new LanguageClient("reqon", "Reqon", serverOptions(found), this.clientOptions());
    this.client.registerFeature(announcing(COMMANDS));
    try {
      await this.client.start();
      this.item.text = "Reqon: ready";
      this.item.detail = found.command;
      this.output.info(`server started with ${found.command}`);
      this.onReady();
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
      middleware: { window: { showDocument: (params, token, next) => (isHistory(params.uri) ? preview(params.uri) : next(params, token)) } },
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

function configured(): string {
  return JSON.stringify(vscode.workspace.getConfiguration("reqon").get("interpreter"));
}

function isHistory(uri: string): boolean {
  return /reqon-history-[^/]*\/[^/]*\.md$/.test(uri);
}

/** The history is Markdown: people see it as a page. */
async function preview(uri: string): Promise<{ success: boolean }> {
  await vscode.commands.executeCommand("markdown.showPreview", vscode.Uri.parse(uri));
  return { success: true };
}

function announcing(commands: readonly string[]): StaticFeature {
  return {
    fillClientCapabilities: (capabilities) => {
      capabilities.experimental = { ...(capabilities.experimental as object | undefined), commands: { commands } };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  };
}

function isFailure(found: Interpreter | readonly Probe[]): found is readonly Probe[] {
  return Array.isArray(found);
}

function serverOptions(interpreter: Interpreter): ServerOptions {
  // "-P": no module of the workspace takes the place of a library's.
  const args = [...interpreter.args, "-P", "-m", "reqon_lsp", "--stdio"];
  return { command: interpreter.command, args, options: { shell: false } };
}
