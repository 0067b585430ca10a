"""The process from which disturbed runs are forked: everything imported, programs read once.

    worker = Worker()                      # starts `python -m support.crash_worker`
    answer = worker.run(Job(program, "Sync", state_dir, disk={"kind": "dying", "at": 7}))

Each job runs one mission in a child of its own, which may die at any moment; the answer says how
it ended. One line of JSON each way. The worker has one thread, so that forking it is sound.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from reqon.cli.cleaning import clean
from reqon.cli.main import main as command_line
from reqon.clock import SystemClock
from reqon.engine.run import ResumeChoice, RunControl, RunOptions, RunResult, run_mission
from reqon.events.model import (
    ActionCompleted,
    CheckpointSaved,
    PageFetched,
    RunEnded,
    RunStarted,
    Stamped,
)
from reqon.journal.disk import Disk
from reqon.journal.retention import Rules
from reqon.journal.session import Timing
from reqon.loader import DiskFiles
from reqon.settings import load_settings
from reqon.state.paths import StatePaths
from support.crash_disks import (
    DIED,
    CountingDisk,
    DyingDisk,
    FailingDisk,
    ForgetfulDisk,
    TellingDisk,
)
from support.crash_trace import RecordingDisk, Step, Trace
from vague.program import Program, find_programs, read_program

TESTS = Path(__file__).parents[1]
MOST_SECONDS = 60
HUNG = f"it had not ended after {MOST_SECONDS} seconds"


@dataclass(frozen=True)
class Job:
    """One run. `disk`: `{"kind": "dying", "at": 3, "moment": "before"}`, `{"kind": "failing", "at":
    3, "errno": 28, "lasting": true}`, `{"kind": "forgetful", "rule": "marks"}` or None; `timing`
    the fields of `Timing` that differ; `now` the instant that the clock starts from; `extra` the
    options of `RunOptions` that are plain values, `interrupt_at` (ask the run to stop when so many
    operations are done), `die_after` (seconds after which it is killed) and `n_files` (so many may be
    open). `record_to`: pickle the trace of everything that
    the disk does and what is told into that file. `command`: run this command line instead, in
    the folder of the state. `clean`: clean the mission with these rules instead.
    """

    program: str
    mission: str
    state_dir: str
    env: dict[str, str] = field(default_factory=dict)
    resume: bool = False
    disk: dict[str, Any] | None = None
    timing: dict[str, Any] = field(default_factory=dict)
    now: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    record_to: str | None = None
    command: list[str] | None = None
    clean: dict[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """How a job ended. `died`: at the operation it was told; else the exit code is there.

    `error` is the message and hint of a refusal or failure, or what a command said; `crash` a
    traceback, which is always a bug. `operations` what the disk did, if it was a counting one.
    """

    died: bool
    exit_code: int | None = None
    status: str | None = None
    error: str | None = None
    crash: str | None = None
    operations: list[str] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)


class Worker:
    """A running worker process; close it, or use it as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.crash_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "0"},
        )

    def run(self, job: Job) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(asdict(job))}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the worker died"
        return Answer(**json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---------------------------------------------------------------- in the worker


def main() -> None:
    """Serve jobs until the input ends."""
    programs: dict[str, Program] = {}
    for line in sys.stdin:
        job = Job(**json.loads(line))
        if job.program not in programs:
            programs[job.program] = program_at(job.program)
        sys.stdout.write(f"{_in_child(job, programs[job.program])}\n")
        sys.stdout.flush()


def _command(job: Job) -> Answer:
    """Run a command line; what it says on both outputs is in `error`."""
    assert job.command is not None
    os.environ.update(job.env)
    os.chdir(Path(job.state_dir).parent)
    code: Any = 0
    with tempfile.TemporaryFile("w+") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["reqon", *job.command]
        try:
            command_line()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        said.seek(0)
        return Answer(died=False, exit_code=int(code or 0), error=said.read())


def _clean(job: Job) -> Answer:
    """Clean one mission."""
    given = dict(job.clean or {})
    days = given.pop("days", None)
    flags = {name: given.pop(name, False) for name in ("stores", "sync")}
    rules = Rules(older_than=None if days is None else timedelta(days=days), **given)
    disk = make_disk(job.disk)
    paths = StatePaths(Path(job.state_dir))
    outcome = asyncio.run(clean(paths, [job.mission], rules, disk=disk, **flags))
    return Answer(
        died=False,
        exit_code=0,
        operations=disk.operations if isinstance(disk, CountingDisk) else [],
        record=outcome.to_json(),
    )


def program_at(path: str) -> Program:
    """The checked program in a file."""
    files = DiskFiles()
    return read_program(find_programs(path, files).programs[0], files)


def _in_child(job: Job, program: Program) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(job, program, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    told = code == -signal.SIGALRM and "die_after" in job.extra
    if code == DIED or told:
        return json.dumps(asdict(Answer(died=True)))
    if code == -signal.SIGALRM:
        content = json.dumps(asdict(Answer(died=False, crash=HUNG))).encode()
    if not content:
        content = json.dumps(asdict(Answer(died=False, crash=f"ended with {code}"))).encode()
    return content.decode()


def _be_child(job: Job, program: Program, writing: int) -> None:
    """Run the job and end the process, whatever happens."""
    try:
        signal.setitimer(signal.ITIMER_REAL, job.extra.get("die_after", MOST_SECONDS))
        answer = _run(job, program)
    except BaseException:  # noqa: BLE001 - every traceback is shown by the test
        answer = Answer(died=False, crash=traceback.format_exc())
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(asdict(answer)).encode())
    os._exit(0)


def _run(job: Job, program: Program) -> Answer:
    if job.command is not None:
        return _command(job)
    if job.clean is not None:
        return _clean(job)
    if job.record_to is not None:
        return asyncio.run(_record(job, program, Path(job.record_to)))
    control = RunControl()
    if "interrupt_at" in job.extra:
        disk: Disk = TellingDisk(job.extra["interrupt_at"], lambda: control.interrupt("SIGTERM"))
    else:
        disk = make_disk(job.disk)
    if "n_files" in job.extra:
        resource.setrlimit(resource.RLIMIT_NOFILE, (job.extra["n_files"],) * 2)
    options = _options(job, disk)
    return _answer(asyncio.run(run_mission(program, job.mission, options, (), control)), disk)


def _options(job: Job, disk: Disk) -> RunOptions:
    return RunOptions(
        state_dir=Path(job.state_dir),
        settings=load_settings({**job.env}, folder=Path("/nowhere")),
        resume=ResumeChoice.IF_ANY if job.resume else ResumeChoice.NEVER,
        force=job.extra.get("force", False),
        unknown=job.extra.get("unknown"),
        wait_seconds=job.extra.get("wait_seconds"),
        disk=disk,
        timing=Timing(**job.timing),
        clock=SystemClock() if job.now is None else ShiftedClock(datetime.fromisoformat(job.now)),
    )


def _answer(result: RunResult, disk: Disk) -> Answer:
    error = result.error
    return Answer(
        died=False,
        exit_code=int(result.exit_code),
        status=result.status,
        error=None if error is None else f"{error.message} | {error.hint}",
        operations=disk.operations if isinstance(disk, CountingDisk) else [],
        record=result.record,
    )


async def _record(job: Job, program: Program, target: Path) -> Answer:
    """Run and write down everything, with times that other processes share."""
    root, trace = Path(job.state_dir), Trace()
    first = {path.relative_to(root).as_posix(): path.read_bytes()
             for path in root.rglob("*") if path.is_file()}  # fmt: skip
    disk = RecordingDisk(root, trace, {name: n for n, name in enumerate(sorted(first), 1)})
    result = await run_mission(
        program, job.mission, _options(job, disk), [_Promises(trace)], RunControl()
    )
    target.write_bytes(pickle.dumps((first, trace.steps)))
    return _answer(result, disk)


class _Promises:
    """A sink that writes down what was told: from then on no power failure may take it back."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._actions: tuple[str, ...] = ()

    def receive(self, stamped: Stamped) -> None:
        match stamped.event:
            case RunStarted(actions=actions):
                self._actions = actions
            case CheckpointSaved(action=action, index=index):
                self._promise("index", action, index)
            case PageFetched(action=action, page=page):
                self._promise("page", action, page)
            case ActionCompleted(action=action, nested=False):
                self._promise("action", action, 0)
            case RunEnded():
                self._trace.add(Step("ack", promise=("end", "", 0)))
            case _:
                pass

    def _promise(self, kind: str, action: str, number: int) -> None:
        """The record shows the actions of the pipeline only."""
        if action in self._actions:
            self._trace.add(Step("ack", promise=(kind, action, number)))


def make_disk(facts: dict[str, Any] | None) -> Disk:
    """The disk that a job asks for."""
    given = dict(facts or {"kind": "counting"})
    match given.pop("kind"):
        case "dying":
            return DyingDisk(given["at"], given["moment"], given.get("only", "*"))
        case "failing":
            return FailingDisk(given["at"], given["errno"], lasting=given["lasting"])
        case "forgetful":
            return ForgetfulDisk(given["rule"])
        case "counting":
            return CountingDisk()
        case "plain":
            return Disk()
        case other:
            raise ValueError(other)


class ShiftedClock(SystemClock):
    """A clock that started at another time."""

    def __init__(self, start: datetime) -> None:
        self._shift: timedelta = start - super().now()

    def now(self) -> datetime:
        instant = super().now() + self._shift
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


if __name__ == "__main__":
    main()
