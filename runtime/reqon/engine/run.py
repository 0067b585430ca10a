"""One run of a mission, from its program to its final record.

    result = await run_mission(program, "CustomerSync", RunOptions(settings=…), sinks)

Expected errors come back in the result. The road: plan, load time, session (locks, recovery),
pipeline, final record. With `retryOnFailure` a failed attempt is followed by another.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reqon.added import vocabulary
from reqon.clock import Clock, SystemClock
from reqon.engine.attempt import Attempt, Ended
from reqon.engine.bind import BoundMission, bind_mission
from reqon.engine.debugging import Debugger
from reqon.engine.dry import dry_state
from reqon.engine.interpreter import prompt_threads, unhurried_collector
from reqon.engine.loading import Loader
from reqon.engine.new_state import warning_of_new_state
from reqon.engine.shown import folder_around, shown_path
from reqon.engine.stops import RunControl
from reqon.engine.window import WINDOW, Window
from reqon.errors import (
    CheckError,
    ConfigError,
    ExitCode,
    Interrupted,
    RefusedError,
    ReqonError,
    StorageError,
)
from reqon.events.model import Warned
from reqon.events.stream import EventStream, Sink
from reqon.http.auth.registry import AUTH
from reqon.http.client import HttpClient
from reqon.http.retry import wait_before
from reqon.journal.disk import Disk
from reqon.journal.session import ProgramFacts, ResumeChoice, SessionRequest, Timing
from reqon.plan.build import Supported, build_plan
from reqon.plan.explain import explain
from reqon.plan.model import MissionPlan
from reqon.settings import Settings
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.chosen import BUILT_IN, store_for
from reqon.state_stores.protocol import StateStore
from reqon.stores.base import Store, StoreSpec
from reqon.stores.registry import STORES
from reqon.version import VERSION
from vague.program import MissionProgram, Program

__all__ = [
    "ResumeChoice",
    "RunControl",
    "RunOptions",
    "RunResult",
    "explained",
    "names_a_state_store",
    "run_mission",
]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the caller of a run decides.

    `resume`: a choice, or the id of the execution to go on with. `wait_seconds` waits for a
    running execution of the mission instead of refusing. `full`, `since`, `until`, `limit`: one
    run with another window or fewer items, which moves no sync time. `variables` set mission
    `let`s. `unknown`: what to do with requests whose outcome is not known.
    `debugger` is asked before each step; the mission's `timeout` does not hold then.
    `state_store` is the process's own, for missions that name no other.
    `timing`: the paces of the journal, which only tests turn.
    """

    state_dir: Path = Path(".vague-data")
    settings: Settings = field(default_factory=Settings)
    resume: ResumeChoice | str = ResumeChoice.NEVER
    force: bool = False
    wait_seconds: float | None = None
    full: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    dry_run: bool = False
    trigger: str = "manual"
    unknown: str | None = None
    on_stores: Callable[[Mapping[str, Store]], None] | None = None
    debugger: Debugger | None = None
    state_store: StateStore | None = None
    clock: Clock = field(default_factory=SystemClock)
    disk: Disk = field(default_factory=Disk)
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `status` is None where it did not begin; then `error` says why."""

    mission: str
    status: str | None
    execution_id: str | None
    record: dict[str, Any]
    exit_code: ExitCode
    error: ReqonError | None = None


async def run_mission(
    program: Program,
    mission: str,
    options: RunOptions,
    sinks: Sequence[Sink] = (),
    control: RunControl | None = None,
) -> RunResult:
    """Run one mission of a checked program and answer how it ended.

    What is wrong before anything ran (program, configuration, state) is in the result too. No
    secret is in its error.
    """
    result = await _ran(program, mission, options, sinks, control or RunControl())
    error, secrets = result.error, options.settings.secrets
    if error is not None:
        error.message = secrets.redact(error.message)
        error.args = (error.message,)
        error.hint = error.hint and secrets.redact(error.hint)
    return result


async def _ran(
    program: Program,
    mission: str,
    options: RunOptions,
    sinks: Sequence[Sink],
    control: RunControl,
) -> RunResult:
    try:
        run = _prepare(program, mission, options, sinks, control)
        return await run.execute()
    except (CheckError, ConfigError, RefusedError, StorageError) as error:
        return RunResult(mission, None, None, {}, error.exit_code, error)
    except Interrupted as error:
        return RunResult(mission, None, None, {}, error.code, error)


def explained(program: Program, mission: str) -> list[str]:
    """What a run would do, in words: the lines of `reqon.plan.explain`.

    Raises CheckError where a part of the mission cannot run yet, ConfigError where there is none.
    """
    return explain(_planned(program, mission)[1])


def names_a_state_store(program: Program, mission: str) -> bool:
    """Whether the mission's executions are kept in a store that it names, not in the folder."""
    try:
        plan = _planned(program, mission)[1]
        options = Loader(plan, Settings(), SystemClock(), {}).options()
    except ReqonError:  # the run reports it
        return False
    return options.state_store not in BUILT_IN


def _prepare(
    program: Program,
    mission: str,
    options: RunOptions,
    sinks: Sequence[Sink],
    control: RunControl,
) -> _Run:
    found, plan = _planned(program, mission)
    return _Run(found, plan, bind_mission(plan, options.debugger), options, tuple(sinks), control)


def _planned(program: Program, mission: str) -> tuple[MissionProgram, MissionPlan]:
    found = program.mission(mission)
    if found is None:
        known = ", ".join(one.name for one in program.missions) or "none"
        raise ConfigError(f"no mission '{mission}' in the program", hint=f"missions are: {known}")
    supported = Supported(frozenset(AUTH), frozenset(STORES))
    return found, build_plan(program, found, vocabulary(), supported)


class _Run:
    """All attempts of one run."""

    def __init__(
        self,
        program: MissionProgram,
        plan: MissionPlan,
        bound: BoundMission,
        options: RunOptions,
        sinks: tuple[Sink, ...],
        control: RunControl,
    ) -> None:
        self.program = program
        self.plan = plan
        self.bound = bound
        self.options = options
        self.sinks = sinks
        self.control = control
        self.window = Window(options.full, options.since, options.until, options.limit)
        self.window.check()
        self.loader = Loader(plan, options.settings, options.clock, options.variables)
        self.mission_options = self.loader.options()
        if options.debugger is not None:
            self.mission_options = replace(self.mission_options, timeout_ms=None)
        store = store_for(self.mission_options.state_store, options.state_store, options.settings)
        redact = options.settings.secrets.redact
        self.elsewhere = None if store is None else CarefulStore(store, plan.name, redact)

    async def execute(self) -> RunResult:
        """Run until an attempt succeeds, or no further one is due."""
        async with AsyncExitStack() as stack:
            stack.enter_context(unhurried_collector())
            stack.enter_context(prompt_threads())
            state_dir, stores = self.options.state_dir, self.loader.stores(frozenset(STORES))
            if self.options.dry_run:
                state_dir, stores = stack.enter_context(dry_state(state_dir, stores))
            client = await stack.enter_async_context(
                HttpClient(self.options.settings.secrets, clock=self.options.clock)
            )
            request = self._request(state_dir, stores)
            warning = warning_of_new_state(self.plan, request, self.options.settings.environ)
            number = 1
            while True:
                ended = await self._attempt(client, request, warning).run()
                warning = None
                if not self._tries_again(ended, number):
                    return self._result(ended)
                await self._wait(ended, number)
                overtaken = await self._overtaken(request, ended)
                if overtaken is not None:
                    return overtaken
                number += 1
                request = self._next_request(request, ended)

    def _attempt(self, client: HttpClient, request: SessionRequest, warning: str | None) -> Attempt:
        options = self.options
        return Attempt(
            bound=self.bound,
            loader=self.loader,
            options=self.mission_options,
            request=request,
            disk=options.disk,
            client=client,
            sinks=self.sinks,
            control=self.control,
            window=self.window,
            dry_run=options.dry_run,
            unknown=options.unknown,
            on_stores=options.on_stores,
            warning=warning,
        )

    def _request(self, state_dir: Path, stores: Mapping[str, StoreSpec]) -> SessionRequest:
        options, mission = self.options, self.mission_options
        sources = self.loader.sources()
        return SessionRequest(
            paths=StatePaths(state_dir),
            mission=self.plan.name,
            stores=stores,
            program=self._facts(state_dir),
            clock=options.clock,
            durability=mission.durability,
            enable_state=mission.enable_state and not options.dry_run,
            state_store=mission.state_store,
            resume=ResumeChoice.NEVER if options.dry_run else options.resume,
            force=options.force,
            wait_seconds=options.wait_seconds,
            trigger=options.trigger,
            redact=mission.redact,
            secrets=options.settings.secrets,
            lets=self.loader.saved_lets(),
            stores_of=self._stores_of,
            notes=self._notes(sources.bases()),
            retention=mission.retention,
            elsewhere=None if options.dry_run else self.elsewhere,
            timing=options.timing,
        )

    def _stores_of(self, lets: Mapping[str, Any]) -> Mapping[str, StoreSpec]:
        """The stores of an execution that goes on, from what it saved."""
        self.loader.take_over(lets)
        return self.loader.stores(frozenset(STORES))

    def _notes(self, bases: Mapping[str, Any]) -> dict[str, Any]:
        """What a new execution keeps beside its program."""
        window = self.window.to_json()
        return {"bases": bases, **({WINDOW: window} if window else {})}

    def _facts(self, state_dir: Path) -> ProgramFacts:
        facts = self.plan.facts
        return ProgramFacts(
            path=None if facts.path is None else shown_path(facts.path, folder_around(state_dir)),
            sha256=facts.sha256,
            plan_hash=facts.plan_hash,
            action_hashes=facts.action_hashes,
            part_hashes=facts.part_hashes,
            version=VERSION,
        )

    # -------------------------------------------------------------- several attempts

    def _tries_again(self, ended: Ended, number: int) -> bool:
        policy = self.mission_options.retry
        if policy is None or number >= policy.max_attempts or self.options.dry_run:
            return False
        return ended.status == "failed" and not ended.aborted and not self.control.interrupted

    async def _wait(self, ended: Ended, number: int) -> None:
        policy = self.mission_options.retry
        assert policy is not None, "asked before"
        seconds = wait_before(policy, number + 1, _half) / 1000
        reasons = [error.get("message") for error in ended.record.get("errors", [])]
        why = f": {reasons[-1]}" if reasons else ""
        await self._warn(ended, f"try {number} failed{why}; the next one begins in {seconds:g}s")
        await self.control.sleep(seconds)

    async def _warn(self, ended: Ended, text: str) -> None:
        """Say something between two attempts."""
        clock = self.options.clock
        async with EventStream(self.plan.name, ended.execution_id, clock, self.sinks) as events:
            events.emit(Warned("other", text))

    async def _overtaken(self, request: SessionRequest, ended: Ended) -> RunResult | None:
        """The end of it where another process went on with the mission during the wait.

        Nobody holds the mission then. A failed execution that goes on behind a later one would
        write what it had read before that one.
        """
        if not request.journaled:
            return None
        reader = StateReader(request.paths.root)
        history = await asyncio.to_thread(reader.history, self.plan.name)
        later = list(itertools.takewhile(lambda s: s.execution_id != ended.execution_id, history))
        own = history[len(later)] if len(later) < len(history) else None
        completed = next((state for state in later if state.status == "completed"), None)
        if own is not None and own.status == "completed":
            record = own.to_dict()
            return RunResult(self.plan.name, own.status, own.execution_id, record, ExitCode.SUCCESS)
        if own is not None and completed is None:
            return None
        what = f"'{completed.execution_id}' has completed" if completed else "it was removed"
        await self._warn(ended, f"the mission is not tried again: {what} in the meantime")
        return self._result(ended)

    def _next_request(self, request: SessionRequest, ended: Ended) -> SessionRequest:
        """With state the failed execution goes on; without, a new one begins."""
        if request.journaled:
            return replace(request, resume=ended.execution_id)
        return replace(request, retry_of=ended.execution_id)

    def _result(self, ended: Ended) -> RunResult:
        return RunResult(
            self.plan.name,
            ended.status,
            ended.execution_id,
            ended.record,
            ended.exit_code,
            ended.error,
        )


def _half() -> float:
    """No jitter: executions of one mission never meet."""
    return 0.5
