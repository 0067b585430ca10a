"""The language server beside a server that does nothing, in one run: what our answers cost.

    python benchmarks/server.py [LINES]

Both serve the same file (5,000 lines by default) and the same typing, by turns. Printed are the
median and the 95th percentile of ours, each with its ratio to the server that does nothing: what a
change costs until its diagnostics are there, completion, hover and the rest. Exit code 1 where a
change, completion or hover takes more than ten times as long. Ratios, because times are the
machine's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

N_EDITS = 100
N_ASKED = 30
LIMIT = 10.0

NOTHING = """
from lsprotocol import types
from pygls.lsp.server import LanguageServer
server = LanguageServer("nothing", "1")
@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def changed(ls, params):
    document = params.text_document
    ls.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(document.uri, [], document.version))
@server.feature(types.TEXT_DOCUMENT_COMPLETION)
def complete(ls, params):
    return types.CompletionList(False, [])
for name in ("HOVER", "INLAY_HINT", "CODE_LENS", "FORMATTING", "DOCUMENT_SYMBOL",
             "SEMANTIC_TOKENS_RANGE", "DEFINITION"):
    options = types.SemanticTokensLegend([], []) if "TOKENS" in name else None
    server.feature(getattr(types, "TEXT_DOCUMENT_" + name), options)(lambda ls, params: None)
server.start_io()
"""
ACTION = """
  // Number {n}.
  action Fetch{n} {{
    get "/people/{n}" {{
      params: {{ limit: 100, since: "2031-01-0{d}" }}
      paginate: page(page, 100)
    }}
    for person in response.data where .active and .age > {n} checkpoint every 100 {{
      let name = uppercase(trim(person.name)) + "-{n}"
      map person -> Person {{
        id: .id
        name: name
        email: lowercase(.email)
      }}
      match person.kind {{
        "new" -> store person -> people {{ key: .id, upsert: true }},
        "old" -> skip,
        _ -> continue
      }}
    }}
  }}
"""
HEAD = """\
mission Sync {
  source API { auth: none, base: "https://api.test" }
  store people: file("people")
  schema Person {
    id: string
    name: string
    email?: string
  }
"""


def program(lines: int) -> str:
    text, n = HEAD, 0
    while text.count("\n") < lines - 5:
        text += ACTION.format(n=n, d=n % 9 + 1)
        n += 1
    return text + "\n  run " + " then ".join(f"Fetch{i}" for i in range(n)) + "\n}\n"


class Client:
    """A client that speaks as fast as the server answers."""

    def __init__(self, command: list[str]) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.started_ms = (time.perf_counter() - started) * 1000
        self.tell("initialized", {})

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))

    def tell(self, method: str, params: Any) -> None:
        self.write({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self.number += 1
        self.write({"id": self.number, "method": method, "params": params})
        while (message := self.read()).get("id") != self.number:
            pass
        return message.get("result")

    def until_published(self, version: int) -> None:
        while True:
            message = self.read()
            params = message.get("params") or {}
            published = message.get("method") == "textDocument/publishDiagnostics"
            if published and params.get("version") == version:
                return

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.process.wait(20)


Work = Callable[[Client, int], None]


def timed(clients: list[Client], times: int, work: Work) -> list[list[float]]:
    """Milliseconds of `work` for each client; they take turns, so that a busy machine hits both."""
    taken: list[list[float]] = [[] for _ in clients]
    for number in range(times):
        for client, found in zip(clients, taken, strict=True):
            started = time.perf_counter()
            work(client, number)
            found.append((time.perf_counter() - started) * 1000)
    return taken


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def measure(clients: list[Client], uri: str, text: str) -> dict[str, list[list[float]]]:
    document = {"uri": uri, "languageId": "reqon", "version": 0, "text": text}
    line = text.count("\n", 0, text.index("let name", len(text) // 2))
    end = len(text.splitlines()[line])

    def first(client: Client, _: int) -> None:
        client.tell("textDocument/didOpen", {"textDocument": document})
        client.until_published(0)

    def edit(client: Client, number: int) -> None:
        at = {"line": line, "character": end + number}
        change = {"range": {"start": at, "end": at}, "text": " " if number % 7 else "x"}
        identity = {"uri": uri, "version": number + 1}
        client.tell(
            "textDocument/didChange", {"textDocument": identity, "contentChanges": [change]}
        )
        client.until_published(number + 1)

    found = {"first check": timed(clients, 1, first)}
    found["change until diagnostics"] = timed(clients, N_EDITS, edit)
    at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": 17}}
    lines = {
        "start": {"line": line - 30, "character": 0},
        "end": {"line": line + 30, "character": 0},
    }
    layout = {"tabSize": 2, "insertSpaces": True}
    requests = {
        "completion": ("textDocument/completion", at),
        "hover": ("textDocument/hover", at),
        "definition": ("textDocument/definition", at),
        "inlay hints": ("textDocument/inlayHint", {**at, "range": lines}),
        "lenses": ("textDocument/codeLens", at),
        "tokens of 60 lines": ("textDocument/semanticTokens/range", {**at, "range": lines}),
        "outline": ("textDocument/documentSymbol", at),
        "formatting": ("textDocument/formatting", {**at, "options": layout}),
    }
    for name, (method, params) in requests.items():
        work: Work = lambda client, _, m=method, p=params: client.ask(m, p)  # noqa: E731
        found[name] = timed(clients, N_ASKED, work)
    return found


def main() -> int:
    text = program(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sync.vague"
        path.write_text(text, encoding="utf-8")
        clients = [Client([sys.executable, "-c", NOTHING])]
        clients.append(Client([sys.executable, "-m", "reqon_lsp"]))
        found = measure(clients, path.as_uri(), text)
        starts = [[client.started_ms] for client in clients]
        for client in clients:
            client.close()
    print(f"{text.count(chr(10))} lines, in ms")
    print(f"{'':26} {'median':>15} {'95th percentile':>22}")
    for name, (base, ours) in {"start": starts, **found}.items():
        middle, low = statistics.median(ours), statistics.median(base)
        high, most = (p95(ours), p95(base)) if len(ours) > 1 else (middle, low)
        print(f"{name:26} {middle:8.1f} {middle / low:5.1f}x {high:13.1f} {high / most:6.1f}x")
    judged = ("change until diagnostics", "completion", "hover")
    return int(any(p95(found[name][1]) > LIMIT * p95(found[name][0]) for name in judged))


if __name__ == "__main__":
    sys.exit(main())
