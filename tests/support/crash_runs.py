"""Runs that are killed and resumed, compared with an undisturbed one.

    bench.problems(Shape("quickstart", "strict"), [Kill(17, "before")])   # [] when nothing differs

A shape is a mission text in `tests/crash/shapes` under one policy of durability. Every problem
names shape, policy and kills, so that the same call shows it again.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.crash_disks import MOMENTS, Moment
from support.crash_outcome import Outcome, differences, n_completed, outcome_of
from support.crash_service import Service, World
from support.crash_worker import Answer, Job, Worker

SHAPES = Path(__file__).parents[1] / "crash" / "shapes"
INCREMENTAL = "incremental"
"""The quickstart's second run: only what changed since the first one."""

STATELESS = "stateless"
"""The policy of missions with `enableState: false`."""

POLICIES = ("balanced", "strict", "relaxed", "compacting")
TIMING: dict[str, dict[str, Any]] = {
    "compacting": {"grow_bytes": 1500, "batch": 0.001},
    "strict": {},
    "balanced": {},
    "relaxed": {},
}


def names_of_shapes() -> list[str]:
    """All shapes, those of the newcomer's mission first."""
    found = sorted(path.stem for path in SHAPES.glob("*.vague"))
    first = ["quickstart", INCREMENTAL]
    return [*first, *(name for name in found if name not in first)]


@dataclass(frozen=True)
class Shape:
    """A mission text under a policy; `compacting` is balanced with a journal that is begun anew
    all the time, `STATELESS` has no journal.
    """

    name: str
    policy: str = "balanced"

    def __str__(self) -> str:
        return f"{self.name}-{self.policy}"

    @property
    def source(self) -> Path:
        return SHAPES / f"{'quickstart' if self.name == INCREMENTAL else self.name}.vague"

    @property
    def text(self) -> str:
        text = self.source.read_text(encoding="utf-8")
        assert "stateDurability: balanced" in text
        if self.policy == STATELESS:
            return text.replace("stateDurability: balanced", "enableState: false")
        durability = "balanced" if self.policy == "compacting" else self.policy
        return text.replace("stateDurability: balanced", f"stateDurability: {durability}")

    @property
    def mission(self) -> str:
        found = re.search(r"^mission (\w+)", self.text, re.MULTILINE)
        assert found is not None
        return found[1]

    @property
    def ordered(self) -> bool:
        """Whether everything in it happens in one order."""
        return "parallel" not in self.name

    @property
    def timing(self) -> dict[str, Any]:
        return TIMING.get(self.policy, {})


@dataclass(frozen=True)
class Kill:
    """The process ends before, after or in the middle of its n-th operation on the disk."""

    at: int
    moment: Moment = "before"

    @property
    def disk(self) -> dict[str, Any]:
        return {"kind": "dying", "at": self.at, "moment": self.moment}


@dataclass
class Run:
    """A folder and a world of its own, in which the missions of a program are run.

    `goal` is the number of executions that are complete in the end. `trail` collects what must
    never happen.
    """

    bench: Bench
    program: Path
    mission: str
    timing: dict[str, Any]
    name: str
    folder: Path
    world: World
    goal: int = 1
    trail: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def state_dir(self) -> Path:
        return self.folder / ".vague-data"

    @property
    def is_complete(self) -> bool:
        """Whether the execution that this is about says that it is complete."""
        return n_completed(self.state_dir, self.mission) == self.goal

    def start(
        self,
        disk: dict[str, Any] | None = None,
        *,
        mission: str | None = None,
        state_dir: Path | None = None,
        **options: Any,
    ) -> Answer:
        """Run the mission, or with `resume=True` go on with it."""
        job = Job(
            program=str(self.program),
            mission=mission or self.mission,
            state_dir=str(state_dir or self.state_dir),
            env={
                "REQON_TEST_URL": self.world.url,
                "CRASH_TOKEN": "secret-token-of-the-tests",
                **self.env,
            },
            disk=disk,
            timing=self.timing,
            **options,
        )
        answer = self.bench.worker.run(job)
        if answer.crash is not None:
            self.trail.append(f"a traceback: {answer.crash}")
        return answer

    def command(self, *arguments: str) -> Answer:
        """Run a command line in the folder; what it says is in `error`."""
        return self.start(command=list(arguments))

    def finish(self) -> Answer | None:
        """Resume until it is complete; None where it was already."""
        if self.is_complete:
            return None
        answer = self.start(resume=True)
        if answer.exit_code != 0:
            self.trail.append(f"the resume ended with {answer.exit_code}: {answer.error}")
        return answer

    def outcome(self, *, ordered: bool = True) -> Outcome:
        return outcome_of(self.state_dir, self.world.effects(), ordered=ordered)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.bench.service.forget(self.name)


@dataclass(frozen=True)
class Uncut:
    """The undisturbed run of a shape: what it left, and what its disk did."""

    outcome: Outcome
    operations: list[str]


class Bench:
    """Worker, service and folders of a test session."""

    def __init__(self, worker: Worker, service: Service, folder: Path) -> None:
        self.worker = worker
        self.service = service
        self.folder = folder
        self._uncut: dict[Shape, Uncut] = {}
        self._n_runs = 0

    def program(self, name: str, text: str) -> Path:
        """A file that holds a text, for good: the worker reads each path once."""
        path = self.folder / f"{name}.vague"
        if not path.exists():
            path.write_text(text, encoding="utf-8")
        return path

    @contextmanager
    def place(
        self, program: Path, mission: str, timing: dict[str, Any] | None = None
    ) -> Iterator[Run]:
        """A new folder and world."""
        self._n_runs += 1
        name = f"r{self._n_runs}"
        world = self.service.world(name)
        run = Run(self, program, mission, timing or {}, name, self.folder / name, world)
        run.folder.mkdir()
        try:
            yield run
        finally:
            run.remove()

    @contextmanager
    def run(self, shape: Shape) -> Iterator[Run]:
        """A run that is about to begin; for `incremental` the first sync is done already."""
        program = self.program(str(shape), shape.text)
        with self.place(program, shape.mission, shape.timing) as run:
            if shape.name == INCREMENTAL:
                assert run.start().status == "completed"
                run.world.day, run.goal = 2, 2
            yield run

    def uncut(self, shape: Shape) -> Uncut:
        """The undisturbed run, once."""
        if shape not in self._uncut:
            with self.run(shape) as run:
                answer = run.start()
                assert answer.status == "completed", f"{shape}: {answer}"
                self._uncut[shape] = Uncut(run.outcome(ordered=shape.ordered), answer.operations)
        return self._uncut[shape]

    def problems(self, shape: Shape, kills: Sequence[Kill]) -> list[str]:
        """Kill the run, and each resume, as told; go on to the end; say what is not equal."""
        wanted = self.uncut(shape).outcome
        with self.run(shape) as run:
            for number, kill in enumerate(kills):
                answer = run.start(kill.disk, resume=number > 0)
                if not answer.died or run.is_complete:
                    break
            run.finish()
            found = [*run.trail, *differences(run.outcome(ordered=shape.ordered), wanted)]
            found += [f"one key, two bodies: {key}" for key in run.world.double_keys()]
        return [f"{shape!r}, {list(kills)!r}: {problem}" for problem in found]

    def kills(self, shape: Shape, n: int, seed: int) -> list[Kill]:
        """Some moments of a run, spread over its operations."""
        operations = self.uncut(shape).operations
        chance = random.Random(f"{seed} {shape}")
        found: list[Kill] = []
        for number in range(n):
            at = 1 + int((number + chance.random()) * len(operations) / n)
            found.append(Kill(at, chance.choice(self._moments(operations, at))))
        return found

    def all_kills(self, shape: Shape, share: float, seed: int) -> list[Kill]:
        """Before every operation; after it, and in the middle of a write, for a share of them."""
        operations = self.uncut(shape).operations
        chance = random.Random(f"{seed} {shape}")
        return [
            Kill(at, moment)
            for at in range(1, len(operations) + 1)
            for moment in self._moments(operations, at)
            if moment == "before" or chance.random() < share
        ]

    @staticmethod
    def _moments(operations: Sequence[str], at: int) -> tuple[Moment, ...]:
        tears = at <= len(operations) and operations[at - 1].startswith("write")
        return MOMENTS if tears else MOMENTS[:2]


@contextmanager
def open_bench() -> Iterator[Bench]:
    """A bench whose folders lie in memory where the system has that."""
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(
            prefix="reqon-crash-", dir=memory if os.access(memory, os.W_OK) else None
        ) as folder,
        Service().in_thread() as service,
        Worker() as worker,
    ):
        yield Bench(worker, service, Path(folder))


def seed_of(default: int | None = 1) -> int:
    """The seed of this session: `REQON_CRASH_SEED`, else the default; None takes a new one."""
    given = os.environ.get("REQON_CRASH_SEED")
    if given is not None:
        return int(given)
    return random.SystemRandom().randrange(1 << 32) if default is None else default
