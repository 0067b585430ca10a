"""Any bytes in any file of the state folder: reading never fails, a resume is right or refused.

The base is a quickstart run that died in its loop, in two forms: with its stores behind and with
its journal begun anew. Each case cuts a file short or changes one byte of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from reqon.state.reader import StateReader
from support.crash_outcome import Outcome, differences
from support.crash_runs import Bench, Kill, Run, Shape, seed_of

FILES = {
    "journal": "execution/*.journal",
    "record": "execution/*.json",
    "sync": "sync-checkpoints.json",
    "sync mark": ".sync-checkpoints.applied.json",
    "store": "stores/customers.json",
    "mark": "stores/.customers.applied.json",
}
N_CASES = 24
TAIL_BYTES = 3000

pytestmark = pytest.mark.slow
Files = dict[str, bytes]


def files_of(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@dataclass(frozen=True)
class Dead:
    """What a run that died inside its loop left behind, and what it would have come to."""

    name: str
    files: Files
    wanted: Outcome

    def name_of(self, kind: str) -> str:
        names = [name for name in self.files if Path(name).match(FILES[kind])]
        assert len(names) == 1, names
        return names[0]


@contextmanager
def place(bench: Bench, name: str) -> Iterator[Run]:
    with bench.run(Shape("quickstart", "strict")) as run:
        run.world.n_customers = 40
        if name == "begun anew":
            run.timing = {"grow_bytes": 5000}
        yield run


@pytest.fixture(scope="module", params=["behind", "begun anew"])
def dead(request: pytest.FixtureRequest, bench: Bench) -> Dead:
    with place(bench, request.param) as run:
        done = run.start()
        wanted = run.outcome()
    for at in range(len(done.operations) - 20, 60, -1):
        with place(bench, request.param) as run:
            if not run.start(Kill(at).disk).died or run.is_complete:
                continue
            state = StateReader(run.state_dir).latest(run.mission)
            files = files_of(run.state_dir)
            journal = next(c for name, c in files.items() if name.endswith(".journal"))
            assert state is not None
            step = state.active_step
            if step is not None and (step.index or 0) > 3 and journal.count(b"\n") > 5:
                return Dead(request.param, files, wanted)
    raise AssertionError("the run never died inside its loop")


def certain_bytes(dead: Dead) -> int:
    """How much of the journal was surely on the disk: what its last frame or a store shows."""
    lines = dead.files[dead.name_of("journal")].splitlines(keepends=True)
    frames = [json.loads(line.split(b" ", 2)[2]) for line in lines]
    stores = {name: dead.files.get(f"stores/{name}.json", b"") for name in ("customers", "scored")}
    stored = [
        frame["n"]
        for frame in frames
        if any(f'"{key}"'.encode() in stores[name] for name, _, key, *_ in frame.get("ops", ()))
    ]
    last = max([frames[-1].get("s", 0), *stored])
    return sum(len(line) for line, frame in zip(lines, frames, strict=True) if frame["n"] <= last)


def is_whole(dead: Dead, content: bytes) -> bool:
    """Whether what is left of the journal shows all that was certain, or shows that some is gone.

    A bad end counts as one that was never written; before good lines it shows.
    """
    journal = dead.files[dead.name_of("journal")]
    lines, found = journal.splitlines(keepends=True), content.splitlines(keepends=True)
    pairs = enumerate(zip_longest(lines, found))
    n_good = next((n for n, (line, other) in pairs if line != other), len(lines))
    shows = any(line in lines for line in found[n_good:])
    return shows or sum(map(len, lines[:n_good])) >= certain_bytes(dead)


def changed(content: bytes, n: int | None, what: str) -> Iterator[tuple[str, bytes]]:
    """Cuts and flips; all of them, or `n` of each, near the end of a long file."""
    chance = random.Random(f"{seed_of()} {what}")
    first = max(0, len(content) - TAIL_BYTES)
    places = range(first, len(content))
    some = list(places) if n is None else sorted(chance.sample(places, min(n, len(places))))
    yield "empty", b""
    for at in some:
        yield f"cut at {at}", content[:at]
        flipped = bytes([content[at] ^ (1 << chance.randrange(8))])
        yield f"byte {at} changed", content[:at] + flipped + content[at + 1 :]
    yield "other text", b"\xff\xfe not what it was"
    yield "a list", b"[1, 2, 3]\n"
    yield "deep", b"[" * 100_000
    yield "zeros", bytes(len(content))


def records_of(outcome: Outcome) -> dict[str, Any]:
    """The stores, whatever the order of their records."""
    return {name: json.loads(content) for name, content in outcome.stores.items()}


def is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def check(run: Run, kind: str, content: bytes, wanted: Outcome, *, whole: bool) -> None:
    """Look at the folder by all means, then resume.

    Unless `whole`, acknowledged work is gone without a trace; the stores are right even so.
    """
    for words in (["status"], ["status", run.mission, "--json"], ["history"], ["store", "list"]):
        answer = run.command(*words)
        assert answer.crash is None
        assert answer.exit_code in (0, 3), (words, answer)
        assert "Traceback" not in (answer.error or ""), (words, answer.error)
    n_known = len(StateReader(run.state_dir).history(run.mission))
    answer = run.start(resume=True)
    assert answer.crash is None, answer.crash
    assert answer.exit_code in (0, 4), answer
    if answer.exit_code == 4:
        assert answer.error is not None
        assert str(run.state_dir) in answer.error, answer.error
        return
    if not whole:
        assert records_of(run.outcome()) == records_of(wanted)
    elif kind == "journal" or (kind == "record" and n_known == 1 and not is_json_object(content)):
        found = [d for d in differences(run.outcome(), wanted) if not d.startswith("files")]
        assert found == []
    elif kind == "record":
        assert run.outcome().stores == wanted.stores
    else:
        assert is_json_object(content), "a damaged file was taken for a good one"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_never_believed(bench: Bench, dead: Dead, kind: str) -> None:
    damage_each(bench, dead, kind, N_CASES if kind == "journal" else N_CASES // 4)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FILES)
def test_every_byte_of_a_file_may_be_damaged(bench: Bench, dead: Dead, kind: str) -> None:
    damage_each(bench, dead, kind, None)


def damage_each(bench: Bench, dead: Dead, kind: str, n: int | None) -> None:
    name = dead.name_of(kind)
    for how, content in changed(dead.files[name], n, f"{dead.name} {kind}"):
        with place(bench, dead.name) as run:
            build(run.state_dir, dead.files | {name: content})
            try:
                whole = kind != "journal" or is_whole(dead, content)
                check(run, kind, content, dead.wanted, whole=whole)
            except AssertionError as error:
                error.add_note(f"{dead.name}: {name}: {how}; REQON_CRASH_SEED={seed_of()}")
                raise


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("thing", ["missing", "folder", "link to itself"])
def test_a_thing_that_is_no_file(bench: Bench, dead: Dead, kind: str, thing: str) -> None:
    name = dead.name_of(kind)
    with place(bench, dead.name) as run:
        build(run.state_dir, {other: c for other, c in dead.files.items() if other != name})
        path = run.state_dir / name
        if thing == "folder":
            path.mkdir()
        elif thing == "link to itself":
            path.symlink_to(path.name)
        for words in (["status"], ["status", run.mission, "--json"], ["history"]):
            answer = run.command(*words)
            assert answer.crash is None
            assert answer.exit_code in (0, 3), (words, answer)
        answer = run.start(resume=True)
        assert answer.crash is None, answer.crash
        assert answer.exit_code in (0, 1, 3, 4), answer


@pytest.mark.timeout(300)
def test_a_damaged_journal_is_gone_on_with_by_force_only(bench: Bench, dead: Dead) -> None:
    name = dead.name_of("journal")
    content = dead.files[name]
    end = content.rindex(b"\n", 0, certain_bytes(dead) - 1)
    with place(bench, dead.name) as run:
        damaged = content[: end - 9] + b"#" + content[end - 8 :]
        build(run.state_dir, dead.files | {name: damaged})
        refused = run.start(resume=True)
        assert refused.exit_code == 4
        assert refused.error is not None
        assert "damaged" in refused.error
        assert "--force" in refused.error
        assert run.start(resume=True).exit_code == 4, "a refusal changes nothing"
        forced = run.start(resume=True, extra={"force": True})
        assert (forced.exit_code, forced.status) == (0, "completed"), forced
        assert records_of(run.outcome()) == records_of(dead.wanted)
        aside = [path.read_bytes() for path in (run.state_dir / "quarantine").glob("*.journal")]
        assert aside == [damaged]


def test_a_journal_without_its_beginning_cannot_be_forced(bench: Bench, dead: Dead) -> None:
    name = dead.name_of("journal")
    with place(bench, dead.name) as run:
        build(run.state_dir, dead.files | {name: b"#" + dead.files[name][1:]})
        for extra in ({}, {"force": True}):
            refused = run.start(resume=True, extra=extra)
            assert refused.exit_code == 4
            assert refused.error is not None
            assert "without --resume" in refused.error
        assert run.start().exit_code == 0, "a fresh run is not held up"
