"""The language server beside a server that does nothing, in one run: what our answers cost.

    python benchmarks/server.py [LINES]

Both serve the same file (5,000 lines by default) and the same typing session, by turns: a statement
typed key by key, corrected and taken back, as a person's hands do it. Printed are the median and
the 95th percentile of ours, each with its ratio to the server that does nothing: what a change
costs until its diagnostics are there, completion, hover and the rest. Then what the server takes of
the machine: idle processor time, memory with a workspace of 500 files, and how long a changed
record of a run waits until the client is asked to show it.

Each row with a limit says whether it is kept, and the exit code is 1 where one is not. A machine
that is busy otherwise shows in the times, hardly in the ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

N_STARTS = 3
N_ASKED = 30
N_FILES = 500
N_RECORDS = 8
IDLE_SECONDS = 10.0
LIMIT = 10.0
START_MS = 1200.0
IDLE_PERCENT = 0.3
RESIDENT_MIB = 120.0
REFRESH_MS = 400.0

# One typing session: `<` takes the last character back.
TYPED = (
    '      let nick<<<<name2 = lowercase(person.nmae<<<ame) + "-" + tri<<<<trim(person.city)\n'
    "      store { id: .id, name: nam2<e2 } -> poeple<<<<<eople { key: .id, "
    "upsert: flase<<<<alse }\n"
    "      let oldest = people.< | map(.age) | max<<<last\n"
)

OURS = [sys.executable, "-m", "reqon_lsp"]
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

    def __init__(self, command: list[str], **params: Any) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        base = {"processId": None, "rootUri": None, "capabilities": {}}
        self.ask("initialize", base | params)
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
            message = self.until("textDocument/publishDiagnostics")
            if message["params"].get("version") == version:
                return

    def until(self, method: str) -> dict[str, Any]:
        """The next message of a method; requests on the way are answered with nothing."""
        while True:
            message = self.read()
            if "method" in message and "id" in message:
                self.write({"id": message["id"], "result": None})
            if message.get("method") == method:
                return message

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.process.wait(20)


Work = Callable[[Client, int], None]


def timed(
    clients: list[Client], times: int, work: Work, before: Work = lambda *_: None
) -> list[list[float]]:
    """Milliseconds of `work` for each client; they take turns, so that a busy machine hits both.

    What comes `before` each time does not count.
    """
    taken: list[list[float]] = [[] for _ in clients]
    for number in range(times):
        for client, found in zip(clients, taken, strict=True):
            before(client, number)
            started = time.perf_counter()
            work(client, number)
            found.append((time.perf_counter() - started) * 1000)
    return taken


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def measure(clients: list[Client], uri: str, text: str) -> dict[str, list[list[float]]]:
    document = {"uri": uri, "languageId": "reqon", "version": 0, "text": text}
    line = text.count("\n", 0, text.index("let name", len(text) // 2))
    keys = list(session(line + 1))
    text = text[: offset_of(text, line + 1)] + "\n" + text[offset_of(text, line + 1) :]
    document["text"] = text

    def first(client: Client, _: int) -> None:
        client.tell("textDocument/didOpen", {"textDocument": document})
        client.until_published(0)

    def edit(client: Client, number: int) -> None:
        identity = {"uri": uri, "version": number + 1}
        change = {"textDocument": identity, "contentChanges": [keys[number]]}
        client.tell("textDocument/didChange", change)
        client.until_published(number + 1)

    found = {"first check": timed(clients, 1, first)}
    found["change until diagnostics"] = timed(clients, len(keys), edit)
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
    }
    for name, (method, params) in requests.items():
        work: Work = lambda client, _, m=method, p=params: client.ask(m, p)  # noqa: E731
        found[name] = timed(clients, N_ASKED, work)

    def change(client: Client, number: int) -> None:
        identity = {"uri": uri, "version": len(keys) + number + 1}
        typed = {"range": {"start": lines["start"], "end": lines["start"]}, "text": " "}
        changed = {"textDocument": identity, "contentChanges": [typed]}
        client.tell("textDocument/didChange", changed)
        client.until_published(identity["version"])

    def lay_out(client: Client, _: int) -> None:
        client.ask("textDocument/formatting", {**at, "options": layout})

    found["first formatting"] = timed(clients, 1, lay_out)
    found["formatting after a change"] = timed(clients, N_ASKED, lay_out, change)
    return found


def session(line: int) -> Iterator[dict[str, Any]]:
    """The changes of the typing session, which begins at the start of an empty line."""
    column = [0]
    for key in TYPED:
        at = {"line": line + len(column) - 1, "character": column[-1]}
        if key == "<":
            column[-1] -= 1
            start = {**at, "character": column[-1]}
            yield {"range": {"start": start, "end": at}, "text": ""}
            continue
        yield {"range": {"start": at, "end": at}, "text": key}
        if key == "\n":
            column.append(0)
        else:
            column[-1] += 1


def offset_of(text: str, line: int) -> int:
    """Where a line begins."""
    return sum(len(each) for each in text.splitlines(keepends=True)[:line])


# ---------------------------------------------------------------- what the machine gives


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def opened(client: Client, path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    document = {"uri": path.as_uri(), "languageId": "reqon", "version": 0, "text": text}
    client.tell("textDocument/didOpen", {"textDocument": document})
    client.until_published(0)


def idle_percent(folder: Path) -> float:
    """Processor time of a server whose user looks out of the window."""
    client = Client(OURS, rootUri=folder.as_uri())
    opened(client, folder / "sync.vague", program(200))
    time.sleep(1)
    before = processor_seconds(client.process.pid)
    time.sleep(IDLE_SECONDS)
    taken = processor_seconds(client.process.pid) - before
    client.close()
    return taken / IDLE_SECONDS * 100


def memory_mib(folder: Path) -> float:
    """Resident memory after all files of a workspace have been read and checked."""
    for number in range(N_FILES):
        text = program(30).replace("mission Sync", f"mission Sync{number}")
        (folder / f"sync{number}.vague").write_text(text, encoding="utf-8")
    options = {"diagnostics": {"scope": "workspace"}}
    client = Client(OURS, rootUri=folder.as_uri(), initializationOptions=options)
    opened(client, folder / "sync0.vague", program(30))
    client.ask("workspace/symbol", {"query": "Fetch"})
    taken = resident_mib(client.process.pid)
    client.close()
    return taken


def refresh_ms(folder: Path) -> list[float]:
    """From the replacing of a record to the request that the client shows it."""
    client = Client(
        OURS,
        rootUri=folder.as_uri(),
        capabilities={"workspace": {"inlayHint": {"refreshSupport": True}}},
    )
    opened(client, folder / "sync.vague", program(200))
    records = folder / ".vague-data" / "execution"
    records.mkdir(parents=True)
    taken: list[float] = []
    for number in range(N_RECORDS):
        time.sleep(0.1 + 0.05 * number)  # another moment of the poll each time
        record = records / f"Sync-2031-03-05T14-00-{number:02}.json"
        temporary = record.with_name(f".{record.name}.tmp")
        temporary.write_text(json.dumps(RECORD | {"executionId": f"exec_{number}"}))
        started = time.perf_counter()
        temporary.replace(record)
        client.until("workspace/inlayHint/refresh")
        taken.append((time.perf_counter() - started) * 1000)
        RECORD["stores"]["people"]["added"] += 1
    client.close()
    return taken


RECORD: dict[str, Any] = {
    "mission": "Sync",
    "startedAt": "2031-03-05T14:00:00Z",
    "completedAt": "2031-03-05T14:02:00Z",
    "status": "completed",
    "actionsRun": ["Fetch0"],
    "errors": [],
    "stores": {"people": {"count": 2, "added": 2, "updated": 0}},
}


# ---------------------------------------------------------------- the report


def replay(text: str, folder: Path) -> dict[str, list[list[float]]]:
    uri = (folder / "sync.vague").as_uri()
    nothing = [sys.executable, "-c", NOTHING]
    starts = [[], []]
    for _ in range(N_STARTS):
        for command, found in zip((nothing, OURS), starts, strict=True):
            client = Client(command)
            found.append(client.started_ms)
            client.close()
    clients = [Client(nothing), Client(OURS)]
    found = {"start": starts, **measure(clients, uri, text)}
    for client in clients:
        client.close()
    return found


def main() -> int:
    text = program(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / each for each in ("replay", "idle", "memory", "refresh")]
        for folder in folders:
            folder.mkdir()
        found = replay(text, folders[0])
        idle, memory = idle_percent(folders[1]), memory_mib(folders[2])
        refreshes = refresh_ms(folders[3])
    print(f"{text.count(chr(10))} lines, in ms, beside a server that does nothing")
    print(f"{'':26} {'median':>15} {'95th percentile':>22}")
    for row, (base, ours) in found.items():
        middle, low = statistics.median(ours), statistics.median(base)
        high, most = (p95(ours), p95(base)) if len(ours) > 1 else (middle, low)
        print(f"{row:26} {middle:8.1f} {middle / low:5.1f}x {high:13.1f} {high / most:6.1f}x")
    print()
    kept = [
        _judged(
            f"{row}, 95th percentile, of nothing", p95(found[row][1]) / p95(found[row][0]), LIMIT
        )
        for row in ("change until diagnostics", "completion", "hover")
    ]
    kept.append(_judged("start, median, ms", statistics.median(found["start"][1]), START_MS))
    kept.append(_judged("idle, % of a processor", idle, IDLE_PERCENT))
    kept.append(_judged(f"memory at {N_FILES} files, MiB", memory, RESIDENT_MIB))
    kept.append(_judged("record until refresh, longest, ms", max(refreshes), REFRESH_MS))
    return int(not all(kept))


def _judged(what: str, value: float, limit: float) -> bool:
    print(f"{what:58} {value:8.1f}  limit {limit:7.1f}  {'kept' if value <= limit else 'MISSED'}")
    return value <= limit


if __name__ == "__main__":
    sys.exit(main())
