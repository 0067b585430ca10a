"""One life of a mission in a simulated machine: deaths, errors, bad networks, odd clocks.

    problems, log = simulate(Shape("post"), seed=17)     # no problems: like an undisturbed life
    PYTHONPATH=tests python -m support.simulation post balanced 17     # shows that life

Engine, journal and HTTP client are the real ones; the seed decides what the machine does to them.
A disturbed attempt is followed by another; at last the machine behaves, and the execution must
end with the state and effects of an undisturbed simulation of the same shape.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from reqon.engine.run import ResumeChoice, RunControl, RunOptions, RunResult, run_mission
from reqon.journal.session import Timing
from reqon.settings import load_settings
from reqon.state.reader import StateReader
from support.crash_outcome import Outcome, differences, n_completed, outcome_of
from support.crash_runs import INCREMENTAL, STATELESS, Shape
from support.crash_service import World
from support.crash_worker import program_at
from support.power_loss import PowerLoss, TraceDisk
from support.simulated_loop import STARTS_AT, URL, WORLD, Faults, Network, SimulatedLoop
from vague.program import Program

START = datetime(2031, 3, 30, 0, 58, tzinfo=UTC)
"""Two minutes before the clocks of Europe go forward, near the end of a month."""
ENVIRONMENT = {"REQON_TEST_URL": URL, "CRASH_TOKEN": "secret-token-of-the-tests"}
MOST_DISTURBED = 5
STEERED_BY_FAILURES = ("match_catch", "parallel_group", "jump_retry", "post_in_retry")
"""Shapes in which a failed request leads to other work, as their programs say."""
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE)
HOUR = 3600.0


Forgets: TypeAlias = Callable[[str, Path], bool]
"""Which syncs are left out, by operation and path."""


def forgets_nothing(_name: str, _path: Path) -> bool:
    """All syncs are made."""
    return False


class Died(BaseException):
    """The machine is off: nothing after this may change a file."""


class SimulatedClock:
    """The wall clock of a machine: the loop's time, shifted, and shifted again while it runs."""

    def __init__(self, time: Callable[[], float], start: datetime) -> None:
        self._time = time
        self._first = time()
        self._start = start

    def now(self) -> datetime:
        instant = self._start + timedelta(seconds=self._time() - self._first)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return self._time()

    def jump(self, seconds: float) -> None:
        self._start += timedelta(seconds=seconds)


class SimulatedDisk(TraceDisk):
    """A disk that may stop at one operation, or refuse one and perhaps all that follow."""

    def __init__(self, forgets: Forgets) -> None:
        super().__init__(forgets)
        self.dies_at: int | None = None
        self.refuses_at: int | None = None
        self.errno = errno.EIO
        self.lasting = False
        self.dead = False
        self.on_death: Callable[[], None] = lambda: None

    def around(self, number: int, name: str, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Died
        if self.dies_at is not None and number >= self.dies_at:
            self.dead = True
            self.on_death()
            raise Died
        if self._refuses(number, name):
            raise OSError(self.errno, os.strerror(self.errno))
        return act()

    def _refuses(self, number: int, name: str) -> bool:
        at = self.refuses_at
        if at is None or number < at or (number > at and not self.lasting):
            return False
        if self.errno in (errno.ENOSPC, errno.EACCES, errno.EMFILE):
            return name in ("create", "mkdir") or (name == "write" and self.errno == errno.ENOSPC)
        return name in ("write", "fdatasync", "fsync", "sync_folder")

    def touch(self, fd: int) -> None:
        """A heartbeat comes from a thread, which the simulation has none of."""

    def let_go(self) -> None:
        """What the system does with the files of a dead process."""
        for fd in sorted(self.open_fds):
            with contextlib.suppress(OSError):
                os.close(fd)


@dataclass
class Life:
    """A mission's folder, service and clock over all attempts; `log` tells what happened."""

    shape: Shape
    program: Program
    folder: Path
    chance: random.Random
    world: World = field(default_factory=lambda: World(WORLD, URL))
    wall: datetime = START
    goal: int = 1
    n_attempts: int = 0
    log: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    n_disks: int = 0
    forgets: Forgets = field(default=forgets_nothing)

    @property
    def state_dir(self) -> Path:
        return self.folder / f"machine{self.n_disks}" / ".vague-data"

    @property
    def is_complete(self) -> bool:
        return n_completed(self.state_dir, self.shape.mission) >= self.goal

    def attempt(self, *, disturbed: bool) -> RunResult | None:
        """Run, or go on; None where the machine died."""
        chance = random.Random(self.chance.random())
        network = Network(self.world, chance)
        loop = SimulatedLoop(chance, network)
        disk = SimulatedDisk(self.forgets)
        clock = SimulatedClock(loop.time, self.wall)
        control = RunControl()
        if disturbed:
            self._disturb(chance, loop, network, disk, clock, control)
        self.state_dir.parent.mkdir(exist_ok=True)
        try:
            result = self._run(loop, network, disk, clock, control)
        finally:
            loop.close()
        self.wall = clock.now() + timedelta(seconds=1)
        self.n_attempts += 1
        if result is None and self.n_attempts == 1 and chance.random() < 0.5:
            self._lose_power(disk, chance)
        ended = "died" if result is None else f"{result.status} {int(result.exit_code)}"
        took = loop.time() - STARTS_AT
        self.log.append(
            f"attempt {self.n_attempts}, {took:.6f} s, {disk.count} operations: {ended}"
        )
        if result is not None and result.error is not None:
            self.log.append(f"    {result.error.message}".replace(str(self.folder), "…"))
        return result

    def _disturb(
        self,
        chance: random.Random,
        loop: SimulatedLoop,
        network: Network,
        disk: SimulatedDisk,
        clock: SimulatedClock,
        control: RunControl,
    ) -> None:
        """Draw what goes wrong."""
        if chance.random() < 0.6 and self.shape.name not in STEERED_BY_FAILURES:
            network.faults = Faults(*(chance.choice((0, 0, 0.03, 0.1)) for _ in range(5)))
            self.log.append(f"  {network.faults}")
        if chance.random() < 0.5:
            disk.dies_at = chance.randint(1, 160)
            self.log.append(f"  dies at operation {disk.dies_at}")
        elif chance.random() < 0.5:
            disk.refuses_at = chance.randint(1, 160)
            disk.errno, disk.lasting = chance.choice(ERRORS), chance.random() < 0.5
            self.log.append(f"  {errno.errorcode[disk.errno]} at operation {disk.refuses_at}")
        if chance.random() < 0.2:
            loop.call_later(chance.uniform(0, 2), control.interrupt, "SIGTERM")
            self.log.append("  SIGTERM")
        if chance.random() < 0.3 and self.shape.name != INCREMENTAL:
            # where there is a sync time already, one behind it would rightly not be kept
            seconds = chance.uniform(-2 * HOUR, 2 * HOUR)
            loop.call_later(chance.uniform(0, 2), clock.jump, seconds)
            self.log.append(f"  the clock jumps by {seconds:.0f} s")

    def _run(
        self,
        loop: SimulatedLoop,
        network: Network,
        disk: SimulatedDisk,
        clock: SimulatedClock,
        control: RunControl,
    ) -> RunResult | None:
        options = RunOptions(
            state_dir=self.state_dir,
            settings=load_settings(ENVIRONMENT, folder=Path("/nowhere")),
            resume=ResumeChoice.IF_ANY if self.n_attempts else ResumeChoice.NEVER,
            clock=clock,
            disk=disk,
            timing=Timing(**self.shape.timing),
        )

        async def main() -> RunResult:
            run = asyncio.ensure_future(
                run_mission(self.program, self.shape.mission, options, (), control)
            )

            def off() -> None:
                network.silent = True
                loop.call_soon(run.cancel)

            disk.on_death = off
            return await run

        loop.set_exception_handler(lambda *_: None)
        random.seed(self.chance.random())
        try:
            return loop.run_until_complete(main())
        except BaseException:
            if not disk.dead:
                raise
            return None
        finally:
            _finish_tasks(loop)
            if disk.dead:
                disk.let_go()

    def _lose_power(self, disk: SimulatedDisk, chance: random.Random) -> None:
        """Go on with a disk on which what was not synced is perhaps not there."""
        model = PowerLoss(self.state_dir.parent, disk.trace)
        self.n_disks += 1
        model.build(self.state_dir.parent, chance)
        self.log.append("    the power failed")

    def look(self) -> None:
        """What a person may ask in between must be answered."""
        reader = StateReader(self.state_dir)
        for state in reader.history():
            if state.status not in ("interrupted", "failed", "completed"):
                self.problems.append(f"between attempts the status is {state.status}")
        reader.corrupt()
        reader.sync_checkpoints()


def _finish_tasks(loop: SimulatedLoop) -> None:
    """Nobody is left to go on later."""
    for _ in range(3):
        left = asyncio.all_tasks(loop)
        if not left:
            return
        for task in left:
            task.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


@contextmanager
def _life(shape: Shape, chance: random.Random) -> Iterator[Life]:
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="reqon-simulated-", dir=memory if memory.is_dir() else None)
    try:
        yield Life(shape, _program(shape), Path(folder), chance)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _program(shape: Shape) -> Program:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{shape}.vague"
        path.write_text(shape.text, encoding="utf-8")
        return program_at(str(path))


def _outcome(life: Life) -> Outcome:
    outcome = outcome_of(life.state_dir, life.world.effects(), ordered=life.shape.ordered)
    for record in outcome.records:
        record["errors"] = 0
        record.pop("warnings", None)
    return outcome


@functools.cache
def undisturbed(shape: Shape) -> Outcome:
    """What a machine without faults comes to."""
    with _life(shape, random.Random(0)) as life:
        _first_day(life)
        result = life.attempt(disturbed=False)
        assert result is not None
        assert result.status == "completed", result
        return _outcome(life)


def _first_day(life: Life) -> None:
    """The incremental shape has a first sync behind it."""
    if life.shape.name == INCREMENTAL:
        result = life.attempt(disturbed=False)
        assert result is not None
        assert result.status == "completed", result
        life.world.day, life.goal = 2, 2


def simulate(
    shape: Shape, seed: int, forgets: Forgets = forgets_nothing
) -> tuple[list[str], list[str]]:
    """Problems of one life, and the log of it."""
    with _life(shape, random.Random(f"{shape} {seed}")) as life:
        life.forgets = forgets
        _first_day(life)
        n_disturbed = life.chance.randint(1, MOST_DISTURBED)
        for number in range(n_disturbed + 1):
            result = life.attempt(disturbed=number < n_disturbed)
            life.look()
            if life.is_complete:
                break
        else:
            assert result is not None
            life.problems.append(f"the last attempt: {result.status}, {result.error}")
        counts = ("stores", "sync", "records", "effects")
        if shape.policy == STATELESS:  # each attempt is an execution, and counts what was new to it
            counts = ("stores",)
        life.problems += [
            line
            for line in differences(_outcome(life), undisturbed(shape))
            if line.startswith(counts)
        ]
        life.problems += [f"one key, two bodies: {key}" for key in life.world.double_keys()]
        return life.problems, life.log


def main() -> None:
    """Show one life: shape, policy, seed."""
    name, policy, seed = sys.argv[1:]
    problems, log = simulate(Shape(name, policy), int(seed))
    sys.stdout.write("\n".join([*log, *(problems or ["like an undisturbed life"]), ""]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
