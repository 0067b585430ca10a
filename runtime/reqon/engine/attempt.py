"""One attempt of an execution: session open, pipeline run, final record written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reqon.clock import Clock
from reqon.engine.bind import BoundMission
from reqon.engine.context import Branch
from reqon.engine.going_back import WaysBack, ways_back
from reqon.engine.keeper import Keeper
from reqon.engine.loading import Loader, MissionOptions
from reqon.engine.pipeline import ROOT, moved_stage, run_mission_pipeline
from reqon.engine.resume import ResumeCells
from reqon.engine.running import Running
from reqon.engine.shown import folder_around
from reqon.engine.stops import RunControl, Stop
from reqon.engine.window import WINDOW, Window
from reqon.errors import (
    AbortError,
    ExitCode,
    Interrupted,
    ReqonError,
    RunError,
    StoppedError,
    StorageError,
)
from reqon.events.model import RunEnded, RunStarted, Warned
from reqon.events.stream import EventStream, Sink
from reqon.http.client import HttpClient
from reqon.journal.disk import Disk
from reqon.journal.session import Session, SessionRequest, open_session
from reqon.steps.positions import Position
from reqon.stores.base import Store
from reqon.values.dates import parse_iso

CANCELLED = "CancelledError"
"""What interrupted a run whose task was cancelled, as its record says."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. `aborted`: the program said so, and nothing tries again."""

    status: str
    execution_id: str
    record: dict[str, Any]
    exit_code: ExitCode
    error: ReqonError | None
    aborted: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything that one attempt needs. `warning` is told when it begins."""

    bound: BoundMission
    loader: Loader
    options: MissionOptions
    request: SessionRequest
    disk: Disk
    client: HttpClient
    sinks: Sequence[Sink]
    control: RunControl
    window: Window
    dry_run: bool
    unknown: str | None
    on_stores: Callable[[Mapping[str, Store]], None] | None = None
    warning: str | None = None

    async def run(self) -> Ended:
        """Open, run and end. Raises ConfigError and RefusedError where it cannot begin."""
        session = await self._open()
        try:
            clock = self.request.clock
            events = EventStream(self.request.mission, session.execution_id, clock, self.sinks)
            async with events:
                return await self._run(session, events, clock)
        except asyncio.CancelledError:
            await session.leave(CANCELLED)
            raise
        except GeneratorExit:
            session.abandon()
            raise
        finally:
            await session.close()

    async def _open(self) -> Session:
        """The session; waiting for locks ends when the caller asks to stop."""
        stop = Stop()
        self.control.attach(stop)
        try:
            return await stop.limit(open_session(self.request, self.disk))
        finally:
            self.control.detach(stop)

    async def _run(self, session: Session, events: EventStream, clock: Clock) -> Ended:
        started = clock.monotonic()
        running = self._running(session, events, clock)
        events.emit(
            RunStarted(
                session.resumed,
                _resume_point(session) if session.resumed else None,
                None if self.dry_run or session.record_path is None else str(session.record_path),
                tuple(name for stage in self.bound.pipeline for name in stage.actions),
            )
        )
        told = [*session.notices]
        for notice in (
            *([self.warning] if self.warning else []),
            *told,
            *self._other_window(running.window),
            *self._other_stage(session),
        ):
            events.emit(Warned("other", notice))
        session.keep_lease(running.stop.set)
        error = await self._pipeline(running)
        record = await _finish(session, error)
        for notice in session.notices[len(told) :]:
            events.emit(Warned("other", notice))
        error = session.failure or error
        if self.on_stores is not None and record["status"] == "completed":
            self.on_stores(session.stores)
        duration_ms = round((clock.monotonic() - started) * 1000)
        events.emit(RunEnded(record["status"], duration_ms, record))
        return Ended(
            record["status"],
            session.execution_id,
            record,
            _exit_code(record["status"], error),
            error,
            aborted=isinstance(error, AbortError),
        )

    def _window(self, session: Session) -> Window:
        """The caller's window for a new execution; one that goes on keeps its own."""
        if not session.resumed:
            return self.window
        return Window.from_json(session.state.start.notes.get(WINDOW))

    def _other_stage(self, session: Session) -> list[str]:
        """With `--force`: what becomes of stages where the pipeline is another one now."""
        moved = moved_stage(session.state.summary.pipeline, self.bound.pipeline)
        if not session.resumed or moved is None:
            return []
        return [
            f"where the stage with '{moved[0]}' stood, the pipeline has '{moved[1]}' now: stages "
            "go by their number, so that as many as were completed are passed over, and an "
            "action that has moved begins anew, requests included"
        ]

    def _other_window(self, window: Window) -> list[str]:
        if window.to_json() == self.window.to_json():
            return []
        if self.window.publishes:
            return [f"the execution keeps its window ({window}) and moves no sync checkpoint"]
        return [
            f"the execution keeps the window that it began with ({window}); the one given now "
            f"({self.window}) counts for new executions only"
        ]

    def _running(self, session: Session, events: EventStream, clock: Clock) -> Running:
        state = session.state
        if session.resumed:
            self.loader.take_over(state.start.lets)
        started_at = parse_iso(state.start.started_at)
        assert started_at is not None, "the engine wrote it"
        return Running(
            mission=self.bound,
            session=session,
            client=self.client,
            sources=self.loader.sources(),
            events=events,
            clock=clock,
            secrets=self.loader.settings.secrets,
            lets=self.loader.facts.values,
            read_env=self.loader.settings.env,
            evaluate=self.loader.evaluate,
            stop=Stop(),
            window=self._window(session),
            keeper=Keeper(state.cells),
            resume=ResumeCells(state.cells if session.resumed else {}),
            seed=state.start.seed,
            started_at=started_at,
            base_folder=folder_around(self.request.paths.root),
            keeps_state=self.request.journaled,
            batches=self.request.durability != "strict",
            dry_run=self.dry_run,
            unknown=self.unknown,
            attempt=state.start.attempt,
            has_failed_before=any(one.get("reason") == "failed" for one in state.attempts),
            forced=session.resumed and state.start.forced,
            ways_back=ways_back(self.bound.plan, state) if session.resumed else WaysBack(),
            parallel_mode=self.options.parallel_mode,
            max_concurrency=self.options.max_concurrency,
        )

    async def _pipeline(self, running: Running) -> ReqonError | None:
        """Run the pipeline within the mission's time; answers what it failed with."""
        if running.session.state.ended == "completed":
            return None
        stop = running.stop
        self.control.attach(stop)
        timer = self._start_timer(stop)
        branch = Branch(running, running.session.unit(), stop, [Position(None, ROOT)])
        try:
            errors = await run_mission_pipeline(branch)
        except ReqonError as error:
            return error
        finally:
            self.control.detach(stop)
            if timer is not None:
                timer.cancel()
        return errors[0] if errors else None

    def _start_timer(self, stop: Stop) -> asyncio.TimerHandle | None:
        limit_ms = self.options.timeout_ms
        if limit_ms is None:
            return None
        reason = StoppedError(
            "timeout",
            f"the mission took longer than its limit of {limit_ms / 1000:g} s",
            hint="raise the mission's 'timeout'; a resume goes on where it stopped",
        )
        return asyncio.get_running_loop().call_later(limit_ms / 1000, stop.set, reason)


async def _finish(session: Session, error: ReqonError | None) -> dict[str, Any]:
    """Write the final record."""
    match error:
        case None:
            return await session.finish("completed")
        case Interrupted(signal_name=name):
            return await session.finish("interrupted", interrupted_by=name)
        case StorageError():
            return await session.finish("interrupted", error=_shown(error))
        case _:
            return await session.finish("failed")


def _shown(error: RunError) -> dict[str, Any]:
    return {"kind": error.kind, "message": error.message}


def _exit_code(status: str, error: ReqonError | None) -> ExitCode:
    if isinstance(error, Interrupted):
        return error.code
    return ExitCode.SUCCESS if status == "completed" and error is None else ExitCode.FAILED


def _resume_point(session: Session) -> str | None:
    """Where the resumed execution goes on, for people: `item 523 in 'TransformCustomers'`."""
    active = session.record().get("activeStep")
    if not active:
        return None
    action = active.get("action")
    index = active.get("index")
    if index is not None:
        return f"item {index} in '{action}'"
    page = session.record().get("checkpoints", {}).get(action, {}).get("page")
    return f"'{action}'" if page is None else f"page {page + 1} in '{action}'"
