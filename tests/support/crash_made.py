"""Missions made up at random that are disturbed in every way and must end like undisturbed ones.

    MadeRuns(bench, make_mission(17), "strict").disturbed("3")     # [] when nothing differs

Ids and times that a run gives its data differ from run to run: in the stores each id counts by
where it stands first, and of the times only that they are there (two may be the same).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zlib import crc32

from support.crash_missions import NAME, MadeMission
from support.crash_outcome import Outcome, differences, n_completed
from support.crash_runs import TIMING, Bench, Run

_ANEW = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|key_[0-9a-z]{16}"
    rb"|gid_[0-9a-z]{19}"
)
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
N_DISTURBANCES = 4
MOST_FAILURES = 30
"""More than the outages can make: an attempt may end at the first request that fails."""
OTHER = "Other"
"""The mission that writes the same store as the made one."""


class MadeRuns:
    """The runs of one made mission under one policy; `usual` is what the undisturbed one left."""

    def __init__(self, bench: Bench, made: MadeMission, policy: str) -> None:
        self.bench = bench
        self.made = made
        self.policy = policy
        durability = "balanced" if policy == "compacting" else policy
        text = made.text.replace("stateDurability: balanced", f"stateDurability: {durability}")
        name = f"made-{made.seed}-{policy}-{crc32(text.encode())}"  # of a seed there are several
        self.program = bench.program(name, text)
        with self._place() as run:
            answer = run.start()
            assert answer.status == "completed", f"{self}: {answer}\n{made.text}"
            if made.shares:
                assert run.start(mission=OTHER).status == "completed"
            self.usual = self._outcome(run)
            self.n_operations = len(answer.operations)
            self.n_requests = run.world.n_requests
        self.n_kills = 0

    def __str__(self) -> str:
        return f"mission {self.made.seed}, {self.policy}"

    def _place(self) -> Any:
        return self.bench.place(self.program, NAME, TIMING[self.policy])

    def _outcome(self, run: Run) -> Outcome:
        found = run.outcome(ordered=self.made.ordered)
        stores = {
            name: _leveled(content, ordered=self.made.ordered)
            for name, content in found.stores.items()
        }
        if not self.made.shares:
            return replace(found, stores=stores)
        records = sorted(found.records, key=lambda record: record["mission"])
        for record in records:  # how many records it holds in the end depends on who ended last
            for name in ("common", "theirs"):
                record["stores"].get(name, {}).pop("count", None)
        return replace(found, stores=stores, records=records)

    def disturbed(self, seed: str) -> list[str]:
        """Disturb a run and its recoveries, let it end, and say what is not as usual."""
        chance = random.Random(f"{self} {seed}")
        log: list[str] = []
        with self._place() as run:
            for number in range(chance.randint(1, N_DISTURBANCES)):
                log.append(self._disturb(run, chance, resume=number > 0))
                if run.is_complete or run.trail:
                    break
            return self._problems(run, log, seed)

    def beside_another(self, seed: str) -> list[str]:
        """Disturb the run and one of another mission that writes the same store, in turns."""
        chance = random.Random(f"beside {self} {seed}")
        log: list[str] = []
        with self._place() as run:
            for number in range(chance.randint(1, N_DISTURBANCES)):
                if not run.is_complete:
                    log.append(self._disturb(run, chance, resume=number > 0))
                if not n_completed(run.state_dir, OTHER) and chance.random() < 0.7:
                    told = self._disturb(run, chance, resume=True, mission=OTHER)
                    log.append(f"{OTHER} {told}")
                if run.trail:
                    break
            if not n_completed(run.state_dir, OTHER):
                log.append(f"{OTHER}: {run.start(mission=OTHER, resume=True).status}")
            return self._problems(run, log, seed)

    def failed(self, seed: str) -> list[str]:
        """Let the service fail, twice for some requests; the run goes on by itself or is resumed."""
        chance = random.Random(f"failed {self} {seed}")
        log: list[str] = []
        with self._place() as run:
            begins = [chance.randint(1, self.n_requests + 4) for _ in range(2)]
            run.world.outages = tuple(range(at, at + chance.randint(1, 5)) for at in begins)
            run.env["MADE_TRIES"] = chance.choice(("1", "9"))
            log.append(f"outages {run.world.outages}, tries {run.env['MADE_TRIES']}")
            for number in range(MOST_FAILURES):
                if chance.random() < 0.3:
                    log.append(self._disturb(run, chance, resume=number > 0))
                else:
                    log.append(str(run.start(resume=number > 0).status))
                if run.is_complete or run.trail:
                    break
            return self._problems(run, log, seed)

    def timed_out(self, seed: str) -> list[str]:
        """Give the run too little time, again and again."""
        chance = random.Random(f"timed out {self} {seed}")
        log: list[str] = []
        with self._place() as run:
            for number in range(12):
                run.env["MADE_LIMIT"] = str(chance.randint(1, 120) * (number + 1))
                log.append(f"{run.env['MADE_LIMIT']} ms: {run.start(resume=number > 0).status}")
                if run.is_complete or run.trail:
                    break
            run.env.clear()
            return self._problems(run, log, seed)

    def _problems(self, run: Run, log: list[str], seed: str) -> list[str]:
        """Let the run end, and say what is not as usual; how often it failed does not count."""
        run.finish()
        outcome = self._outcome(run)
        for record in outcome.records:
            record["errors"] = 0
        found = [*run.trail, *differences(outcome, self.usual)]
        found += [f"one key, two bodies: {key}" for key in run.world.double_keys()]
        return [f"{self}, {seed!r}: {log}", *found] if found else []

    def _disturb(
        self, run: Run, chance: random.Random, *, resume: bool, mission: str | None = None
    ) -> str:
        at = chance.randint(1, self.n_operations)
        kind = chance.random()
        if kind < 0.55:
            moment = chance.choice(("before", "after", "torn"))
            disk = {"kind": "dying", "at": at, "moment": moment}
            answer = run.start(disk, resume=resume, mission=mission)
            told = f"died {moment} operation {at}"
        elif kind < 0.8:
            seconds = chance.uniform(0.005, 0.3)
            answer = run.start(resume=resume, mission=mission, extra={"die_after": seconds})
            told = f"killed after {seconds:.3f} s"
        else:
            answer = run.start(resume=resume, mission=mission, extra={"interrupt_at": at})
            told = f"interrupted at operation {at}"
        self.n_kills += answer.died
        if not answer.died and answer.exit_code not in (0, 1, 143):
            run.trail.append(f"ended with {answer.exit_code}: {answer.error}")
        return told if answer.died or answer.exit_code == 143 else f"{told} (too late)"


def _leveled(content: bytes, *, ordered: bool) -> bytes:
    content = _TIME.sub(b"<time>", content)
    if not ordered:
        return b"\n".join(sorted(_ANEW.sub(b"<new>", content).splitlines()))
    known: dict[bytes, int] = {}
    return _ANEW.sub(lambda m: b"<new %d>" % known.setdefault(m[0], len(known)), content)


Way = Callable[[MadeRuns, str], list[str]]
"""`MadeRuns.disturbed`, `beside_another`, `failed` or `timed_out`."""


def problems_of(
    bench: Bench, made: MadeMission, way: Way, n_runs: int, seed: int, policy: str
) -> list[str]:
    """What is wrong with some runs of a mission that are disturbed in one way."""
    runs = MadeRuns(bench, made, policy)
    found = [problem for number in range(n_runs) for problem in way(runs, f"{seed} {number}")]
    return [f"REQON_CRASH_SEED={seed}", *found, made.text] if found else []
