"""Literate specs of the engine: markdown that shows a program, a service, and what comes of it.

A section (`## …`) is a case. Its blocks, each optional but the first:

    ```vague      the program; the service's address is `env("API")`
    ```api        what the service answers: `GET /items -> 200 (Link: …) [{"id": 1}]`, one reply a
                  line, status and headers optional; several of one route in turn, the last one
                  for ever. Other answers:
                  `drop` closes the connection; `raw …` is said to be JSON, `text …` is not;
                  `pages KIND SIZE COUNT [FIELD]` serves {"id": n} in pages;
                  `once` creates something once a key; `bearer TOKEN BODY` wants that token
    ```requests   all requests in order: `GET /items?page=1`, `POST /x {"a":1}`, with headers to be
                  seen in `(X-Key: k)` behind them, `-` for none; first line `unordered`: any order
    ```file NAME  another file beside the program; with a `.vague` one the program is a folder
    ```store NAME the records of a store, one a line, in order
    ```record     what the execution record holds at least (objects: these fields)
    ```sync       what sync-checkpoints.json holds at least
    ```events     these events occur in this order, each `Kind` and words of its text
    ```options    JSON: `limit`, `full`, `since`, `until`, `variables`, `dry_run` of the run; `env`;
                  `again`: run twice, the second counts; `stateful`: it needs its state;
                  `unordered`: parts run at once, so that order may differ; `resume`: false

A case is run once as it is. It is also run with an interruption after each write of its journal,
followed by a resume, and must come to the same end, unless its options say `"resume": false`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reqon.engine.run import ResumeChoice, RunControl, RunOptions, RunResult, run_mission
from reqon.events.model import Stamped
from reqon.journal.disk import Disk
from reqon.loader import DiskFiles
from reqon.settings import Settings
from reqon.surroundings import check_facts
from support.fake_api import DROP, Asked, FakeApi, Reply
from support.fake_pages import once_per_key, pages
from vague.checker import check
from vague.diagnostics import Diagnostic, Severity
from vague.program import Program, find_programs, read_program

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROUTE = re.compile(r"(?P<method>[A-Z]+) (?P<path>/.*?) -> (?P<answer>.*)")
_STATUS = re.compile(r"(?P<status>\d{3})(?: |$)")
_HEADERS_BEHIND = re.compile(r"(?P<line>.*?)(?: \((?P<headers>[A-Za-z-]+: .*)\))?")
_HEADERS = re.compile(r"\((?P<headers>[A-Za-z-]+: [^)]*)\) ?")


@dataclass(frozen=True)
class Case:
    """A section of a spec."""

    page: str
    title: str
    program: str
    api: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    requests: tuple[str, ...] | None = None
    stores: dict[str, list[Any]] = field(default_factory=dict)
    record: dict[str, Any] | None = None
    sync: dict[str, Any] | None = None
    events: tuple[str, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.page}: {self.title}"

    @property
    def resumes(self) -> bool:
        return self.options.get("resume", True)


def cases(folder: Path) -> list[Case]:
    """All cases of the specs in a folder."""
    return [case for path in sorted(folder.glob("*.md")) for case in _cases_of(path)]


def _cases_of(path: Path) -> Iterator[Case]:
    parts = _HEADING.split(path.read_text(encoding="utf-8"))[1:]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        yield _case(path.stem, title, body)


def _case(page: str, title: str, body: str) -> Case:
    found: dict[str, Any] = {"stores": {}, "files": {}}
    for kind, mark, text in _FENCE.findall(body):
        lines = tuple(line for line in text.splitlines() if line.strip())
        match kind:
            case "vague":
                found["program"] = text
            case "api" | "requests" | "events":
                found[kind] = lines
            case "file":
                found["files"][mark.strip()] = text
            case "store":
                found["stores"][mark.strip()] = [json.loads(line) for line in lines]
            case "record" | "sync" | "options":
                found[kind] = json.loads(text)
            case _:
                raise ValueError(f"{page}: {title}: unknown block '{kind}'")
    return Case(page, title, **found)


# ---------------------------------------------------------------- running


@dataclass
class Outcome:
    """What came of one run."""

    result: RunResult
    requests: list[Asked]
    stores: dict[str, list[Any]]
    sync: dict[str, Any]
    events: list[Stamped]
    writes: int


class InterruptingDisk(Disk):
    """Counts what is written to journals, and interrupts the run after the n-th time."""

    def __init__(self, control: RunControl | None = None, after: int | None = None) -> None:
        self.control = control
        self.after = after
        self.writes = 0
        self._journals: set[int] = set()

    def create(self, path: Path, *, exclusive: bool = True) -> int:
        fd = super().create(path, exclusive=exclusive)
        if path.suffix == ".journal":
            self._journals.add(fd)
        return fd

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        if path.suffix == ".journal":
            self._journals.add(fd)
        return fd

    def write(self, fd: int, data: Any) -> int:
        size = super().write(fd, data)
        if fd in self._journals:
            self.writes += 1
            if self.writes == self.after and self.control is not None:
                self.control.interrupt("SIGTERM")
        return size


@dataclass
class _Events:
    seen: list[Stamped] = field(default_factory=list)

    def receive(self, stamped: Stamped) -> None:
        self.seen.append(stamped)


class World:
    """A folder with the program and its state, and a service."""

    def __init__(self, case: Case, folder: Path, api: FakeApi, options: str = "") -> None:
        self.case = case
        self.api = api
        self.state = folder / ".vague-data"
        path = folder / "mission.vague"
        path.write_text(with_options(case.program, options), encoding="utf-8")
        for name, text in case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        in_folder = any(name.endswith(".vague") for name in case.files)
        self.program = checked(folder if in_folder else path)
        serve(api, case.api)

    def options(self, **more: Any) -> RunOptions:
        given = self.case.options
        environ = {"API": self.api.url, **given.get("env", {})}
        values: dict[str, Any] = {
            name: given[name] for name in ("limit", "full", "variables", "dry_run") if name in given
        }
        for name in ("since", "until"):
            if name in given:
                values[name] = datetime.fromisoformat(given[name]).astimezone(UTC)
        return RunOptions(state_dir=self.state, settings=Settings(environ), **{**values, **more})

    async def run(self, mission: str | None = None, **more: Any) -> Outcome:
        control = more.pop("control", None)
        disk = more.setdefault("disk", InterruptingDisk())
        events = _Events()
        name = mission or self.program.missions[-1].name
        result = await run_mission(self.program, name, self.options(**more), [events], control)
        return Outcome(
            result,
            list(self.api.requests),
            self.stores(),
            self.sync(),
            events.seen,
            getattr(disk, "writes", 0),
        )

    def stores(self) -> dict[str, list[Any]]:
        folder = self.state / "stores"
        return {
            path.relative_to(folder).with_suffix("").as_posix(): list(
                json.loads(path.read_text()).values()
            )
            for path in sorted(folder.rglob("[!.]*.json"))
        }

    def sync(self) -> dict[str, Any]:
        path = self.state / "sync-checkpoints.json"
        return json.loads(path.read_text()) if path.exists() else {}


def with_options(program: str, options: str) -> str:
    """The program with more options in each of its missions."""
    return re.sub(r"^(mission \w+ \{)", rf"\1 {options}", program, flags=re.MULTILINE)


def read(path: Path) -> Program:
    """The program of a file or folder; it must have no errors of syntax."""
    program = read_program(find_programs(str(path), DiskFiles()).programs[0], DiskFiles())
    errors = _errors(program.diagnostics)
    assert not errors, errors
    return program


def checked(path: Path) -> Program:
    """The same; it must have no errors at all."""
    program = read(path)
    errors = _errors(check(program, check_facts(DiskFiles(), execute=True)).diagnostics)
    assert not errors, errors
    return program


def _errors(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [str(one) for one in diagnostics if one.severity is Severity.ERROR]


def serve(api: FakeApi, lines: Sequence[str]) -> None:
    """Script the service."""
    routes: dict[tuple[str, str], list[Any]] = {}
    for line in lines:
        match = _ROUTE.fullmatch(line.strip())
        assert match is not None, f"no route: {line}"
        routes.setdefault((match["method"], match["path"]), []).append(_answer(match["answer"]))
    for (method, path), replies in routes.items():
        api.on(method, path, *replies)


def _answer(text: str) -> Any:
    word, _, rest = text.partition(" ")
    special = _SPECIAL.get(word)
    if special is not None:
        return special(rest)
    status, headers = 200, {}
    head = _STATUS.match(text)
    if head is not None:
        status, text = int(head["status"]), text[head.end() :]
    given = _HEADERS.match(text)
    if given is not None:
        pairs = (pair.split(": ", 1) for pair in given["headers"].split("; "))
        headers, text = dict(pairs), text[given.end() :]
    return Reply(json.loads(text) if text.strip() else None, status, headers)


def _bearer(text: str) -> Any:
    token, body = text.split(" ", 1)
    good, bad = Reply(json.loads(body)), Reply({"error": "unauthorized"}, 401)
    return lambda asked: good if asked.header("Authorization") == f"Bearer {token}" else bad


def _pages(text: str) -> Any:
    kind, size, count, *rest = text.split()
    items = [{"id": n + 1} for n in range(int(count))]
    field_name = rest[0] if rest else "data"
    return pages(items, kind, int(size), field=None if field_name == "-" else field_name)


_SPECIAL: dict[str, Any] = {
    "drop": lambda _: DROP,
    "once": lambda _: once_per_key()[0],
    "bearer": _bearer,
    "pages": _pages,
    "raw": lambda text: Reply(text.encode()),
    "text": lambda text: Reply(text.encode(), content_type="text/plain"),
}


def _line(request: Asked) -> str:
    body = request.body.decode() if request.body else ""
    return f"{request.line} {body}".strip()


# ---------------------------------------------------------------- comparing


def problems(case: Case, outcome: Outcome) -> list[str]:
    """Where a run and its case differ, in words."""
    found: list[str] = []
    record = {"status": "completed"} if case.record is None else case.record
    found += differences("record", record, outcome.result.record)
    if outcome.result.status is None:
        found.append(f"did not run: {outcome.result.error}")
    if case.requests is not None:
        found += _request_problems(case.requests, outcome.requests)
    for name, records in case.stores.items():
        actual = outcome.stores.get(name, [])
        if not _same_records(records, actual):
            found.append(f"store {name}: {json.dumps(actual)}")
    if case.sync is not None:
        found += differences("sync", case.sync, outcome.sync)
    if case.events is not None:
        found += _event_problems(case.events, outcome.events)
    return found


def differences(where: str, wanted: Any, actual: Any) -> list[str]:
    """What `actual` lacks of `wanted`; objects may have more fields, `"*"` is anything."""
    if wanted == "*":
        return [] if actual is not None else [f"{where}: missing"]
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return [
            problem
            for name, value in wanted.items()
            for problem in differences(f"{where}.{name}", value, actual.get(name))
        ]
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        return [
            problem
            for number, (one, other) in enumerate(zip(wanted, actual, strict=True))
            for problem in differences(f"{where}[{number}]", one, other)
        ]
    if isinstance(wanted, str) and isinstance(actual, str) and wanted.startswith("~"):
        return [] if wanted[1:] in actual else [f"{where}: {actual!r} lacks {wanted[1:]!r}"]
    return [] if wanted == actual else [f"{where}: {actual!r}, not {wanted!r}"]


def _same_records(wanted: list[Any], actual: list[Any]) -> bool:
    return (
        len(wanted) == len(actual)
        and not differences("", wanted, actual)
        and all(
            not isinstance(one, dict) or set(one) == set(other)
            for one, other in zip(wanted, actual, strict=True)
        )
    )


def _request_problems(wanted: Sequence[str], actual: Sequence[Asked]) -> list[str]:
    split = [_HEADERS_BEHIND.fullmatch(line) for line in wanted]
    lines = [match["line"] for match in split if match is not None]
    seen = [_line(request) for request in actual]
    if lines and lines[0] == "unordered":
        lines, seen = sorted(lines[1:]), sorted(seen)
    if lines != seen:
        return [f"requests: {json.dumps(seen, indent=1)}"]
    found: list[str] = []
    for match, request in zip(split, actual, strict=False):
        for pair in (match["headers"] or "").split("; ") if match is not None else ():
            name, _, value = pair.partition(": ")
            if name and (request.header(name) or "-") != value:
                found.append(f"{match['line']}: {name} is {request.header(name)!r}")
    return found


def _event_problems(wanted: Sequence[str], actual: Sequence[Stamped]) -> list[str]:
    texts = [f"{type(one.event).__name__} {one.event}" for one in actual]
    at = 0
    for line in wanted:
        kind, _, words = line.partition(" ")
        while at < len(texts) and not (texts[at].startswith(f"{kind} ") and words in texts[at]):
            at += 1
        if at == len(texts):
            return [f"no event (in this order): {line}", *texts]
        at += 1
    return []


# ---------------------------------------------------------------- resuming


COMPARED = ("status", "actionsRun", "stores", "checkpoints", "pipeline")


def same_end(case: Case, first: Outcome, other: Outcome) -> list[str]:
    """Where a resumed run ended otherwise than an undisturbed one."""
    unordered = case.options.get("unordered", False)
    found = [
        f"{name}: {other.result.record.get(name)!r}, not {first.result.record.get(name)!r}"
        for name in COMPARED
        if _shown(first, name, unordered) != _shown(other, name, unordered)
    ]
    if _contents(first, unordered) != _contents(other, unordered):
        found.append(f"stores: {other.stores}, not {first.stores}")
    if sorted(first.sync) != sorted(other.sync):
        found.append(f"sync: {sorted(other.sync)}, not {sorted(first.sync)}")
    return found


def _shown(outcome: Outcome, name: str, unordered: bool) -> Any:
    value = outcome.result.record.get(name)
    return sorted(value) if unordered and name == "actionsRun" else value


def _contents(outcome: Outcome, unordered: bool) -> dict[str, list[Any]]:
    if not unordered:
        return outcome.stores
    return {name: sorted(records, key=json.dumps) for name, records in outcome.stores.items()}


async def interrupted_then_resumed(world: World, after: int, mission: str) -> Outcome | None:
    """Run with an interruption after the n-th write; None where the run was faster."""
    control = RunControl()
    disk = InterruptingDisk(control, after)
    first = await world.run(mission, control=control, disk=disk)
    if first.result.status != "interrupted":
        return None
    return await world.run(mission, resume=ResumeChoice.IF_ANY)
