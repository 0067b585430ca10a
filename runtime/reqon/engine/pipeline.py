"""Pipelines: stages one after another, the actions of a stage at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reqon.engine import calls
from reqon.engine.staging import stage_position
from reqon.engine.stops import Stop
from reqon.engine.together import all_of
from reqon.errors import AbortError, Interrupted, ReqonError, RunError, StoppedError, StorageError
from reqon.events.model import Failed, StageSkipped, StageStarted
from reqon.journal.unit import Barrier
from reqon.steps.bound import BoundStage
from reqon.steps.positions import Position, has
from reqon.values.operators import truthy

if TYPE_CHECKING:
    from reqon.engine.context import Branch

ROOT = "run"
_OF_PIPELINES = has("stage")


async def run_step(branch: Branch, stages: tuple[BoundStage, ...]) -> None:
    """Run a pipeline as a step of an action; the first error in it is raised."""
    position = branch.open(fits=_OF_PIPELINES)
    state = _State(position, position.saved)
    for index in range(state.stage, len(stages)):
        stage = stages[index]
        if not state.entered and not _holds(branch, stage):
            state.skip(index)
            continue
        state.enter(index)
        errors = await _run_stage(branch, state, stage, nested=True)
        if errors:
            raise errors[0]
        state.leave(index)
    branch.close(position)


async def run_mission_pipeline(branch: Branch) -> list[RunError]:
    """Run the mission's stages; answers the errors after which the pipeline could go on.

    Raises the error that stopped it: of a stage whose actions all failed, of fail-fast, abort,
    interruption or storage.
    """
    pipeline = _Pipeline(branch)
    await pipeline.run()
    return pipeline.errors


def moved_stage(
    before: Sequence[Mapping[str, Any]], stages: Sequence[BoundStage]
) -> tuple[str, str] | None:
    """The first stage that had begun and lacks actions in the program now: those, and these.

    `before` is the pipeline as the execution's state shows it.
    """
    for shown in before:
        index: int = shown["stage"]
        had: list[str] = list(shown.get("branches", ()))
        now = stages[index].actions if index < len(stages) else ()
        if not set(had) <= set(now):
            return ", ".join(had), ", ".join(now) or "none"
    return None


class _State:
    """Where a pipeline stands: the stage, which of its actions are done, and how often it ran.

    `behind` are the stages that the pipeline went past although some of their actions failed.
    """

    def __init__(self, position: Position, saved: Any) -> None:
        saved = saved or {}
        self.position = position
        self.stage: int = saved.get("stage", 0)
        self.entered: bool = saved.get("entered", False)
        self.done: list[str] = list(saved.get("done", ()))
        self.behind: dict[str, list[str]] = dict(saved.get("behind", {}))
        self.run_pass: int = saved.get("pass", 0)

    def _keep(self) -> None:
        cell: dict[str, Any] = {"stage": self.stage}
        if self.entered:
            cell["entered"] = True
        if self.done:
            cell["done"] = list(self.done)
        if self.behind:
            cell["behind"] = dict(self.behind)
        if self.run_pass:
            cell["pass"] = self.run_pass
        self.position.keep(cell)

    def enter(self, index: int) -> None:
        self.stage, self.entered = index, True
        self._keep()

    def note_done(self, action: str) -> None:
        self.done.append(action)
        self._keep()

    def leave(self, index: int) -> None:
        self.stage, self.entered, self.done = index + 1, False, []
        self._keep()

    def skip(self, index: int) -> None:
        self.leave(index)

    def leave_behind(self, index: int, failed: list[str]) -> None:
        self.behind[str(index)] = failed
        self.leave(index)

    def step_back(self, stages: Sequence[BoundStage]) -> int | None:
        """A resume begins at the first stage that is incomplete; answers the stage it was at."""
        if not self.behind:
            return None
        first = min(map(int, self.behind))
        was = self.stage
        failed = self.behind[str(first)]
        self.done = [name for name in stages[first].actions if name not in failed]
        self.stage, self.entered, self.behind = first, True, {}
        self._keep()
        return was

    def begin_pass(self) -> None:
        self.run_pass += 1
        self._keep()


def _holds(branch: Branch, stage: BoundStage) -> bool:
    if stage.condition is None:
        return True
    return truthy(stage.condition.call(branch.scope, None))


# ---------------------------------------------------------------- the mission's own


class _Pipeline:
    """The mission's pipeline in one attempt."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch
        self.stages = branch.run.mission.pipeline
        position = branch.stack[0]
        branch.load(position)
        self.state = _State(position, position.saved)
        self.errors: list[RunError] = []
        self.new_pass_after: int | None = None

    async def run(self) -> None:
        branch, state = self.branch, self.state
        was = state.step_back(self.stages)
        if was is not None:
            self._forget_later_stages(was)
        branch.run.run_pass = state.run_pass
        for index in range(state.stage, len(self.stages)):
            await self._run_one(index)
            if index == self.new_pass_after:
                state.begin_pass()
                branch.run.run_pass = state.run_pass

    def _forget_later_stages(self, was: int) -> None:
        """Stages behind an incomplete one run again from their beginning."""
        first, branch = self.state.stage, self.branch
        self.new_pass_after = first
        for index in range(first + 1, min(was + 1, len(self.stages))):
            for action in self.stages[index].actions:
                address = f"{ROOT}/{index}.{action}"
                branch.unit.cell(address, None)
                branch.run.resume.drop(address)

    async def _run_one(self, index: int) -> None:
        branch, state, stage = self.branch, self.state, self.stages[index]
        if not state.entered and not await self._enters(index, stage):
            state.skip(index)
            branch.unit.stage(index, "skipped")
            await branch.commit("stage", Barrier.FRAME)
            branch.emit(StageSkipped(index, stage.actions))
            return
        state.enter(index)
        branch.unit.stage(index, "running", dict.fromkeys(self._open(stage), "running"))
        branch.emit(StageStarted(index, stage.actions))
        errors = await _run_stage(branch, state, stage, nested=False)
        failed = self._failed_names(stage)
        if errors:
            branch.unit.stage(index, "failed")
            if self._stops(stage, errors, failed):
                await branch.commit("err", Barrier.FRAME)
                raise errors[0]
            self.errors += errors
            state.leave_behind(index, failed)
        else:
            branch.unit.stage(index, "completed")
            state.leave(index)
        if index + 1 < len(self.stages):
            await branch.commit("stage", Barrier.SYNC)
            await branch.run.session.materialise()
        else:  # the end of the execution waits for the disk and writes the views
            await branch.commit("stage", Barrier.FRAME)

    async def _enters(self, index: int, stage: BoundStage) -> bool:
        try:
            return _holds(self.branch, stage)
        except RunError as error:
            error.step = error.step or f"run … if (stage {index + 1})"
            await record_failure(self.branch, error)
            raise

    def _open(self, stage: BoundStage) -> list[str]:
        return [name for name in stage.actions if name not in self.state.done]

    def _failed_names(self, stage: BoundStage) -> list[str]:
        return [name for name in stage.actions if name not in self.state.done]

    def _stops(self, stage: BoundStage, errors: list[RunError], failed: list[str]) -> bool:
        if any(isinstance(error, AbortError) for error in errors):
            return True
        return (
            len(failed) == len(stage.actions)
            or self.branch.run.parallel_mode == "fail-fast"
            or self.branch.stop.reason is not None
        )


# ---------------------------------------------------------------- a stage


async def _run_stage(
    branch: Branch, state: _State, stage: BoundStage, *, nested: bool
) -> list[RunError]:
    """Run the actions that are not done; answers their errors, the first one first.

    Raises Interrupted and StorageError at once (when all branches have stopped).
    """
    names = [name for name in stage.actions if name not in state.done]
    if len(stage.actions) == 1:
        return await _run_single(branch, state, names, nested=nested)
    await branch.commit("c", Barrier.FRAME)
    return await _Group(branch, state, names, nested=nested).run()


async def _run_single(
    branch: Branch, state: _State, names: list[str], *, nested: bool
) -> list[RunError]:
    for name in names:
        suffix = f"{state.stage}.{name}"
        try:
            await calls.run_action(branch, name, state.position, suffix, nested=nested)
        except StorageError:
            raise
        except RunError as error:
            if nested:
                raise
            await record_failure(branch, error, name, state.stage)
            return [error]
        state.note_done(name)
        if not nested:
            branch.unit.stage(state.stage, None, {name: "completed"})
            await branch.commit("c", Barrier.SYNC)
    return []


class _Group:
    """Actions that run at the same time, each in a branch of its own."""

    def __init__(self, branch: Branch, state: _State, names: list[str], *, nested: bool) -> None:
        self.branch = branch
        self.state = state
        self.names = names
        self.nested = nested
        self.stop = Stop(branch.stop)
        self.errors: list[ReqonError] = []
        limit = branch.run.max_concurrency or len(names)
        self.turn = asyncio.Semaphore(max(1, limit))

    async def run(self) -> list[RunError]:
        try:
            await all_of(self._run_one(name) for name in self.names)
        finally:
            self.stop.release()
        for error in self.errors:
            if isinstance(error, Interrupted | StorageError):
                raise error
        return self._in_order()

    def _in_order(self) -> list[RunError]:
        """The errors, those that were only a consequence of another last."""
        errors = [error for error in self.errors if isinstance(error, RunError)]
        return sorted(errors, key=lambda error: (
            not isinstance(error, AbortError), isinstance(error, StoppedError)))  # fmt: skip

    async def _run_one(self, name: str) -> None:
        state = self.state
        suffix = f"{state.stage}.{name}"
        child = self.branch.fork(f"{state.position.address}/{suffix}", self.stop)
        child.frame.level = self.branch.frame.level
        try:
            async with self.turn:
                self.stop.check()
                await calls.run_action(child, name, state.position, suffix, nested=self.nested)
            while child.unit.waits:
                await child.unit.ready()
            state.note_done(name)
            stage_position(child, state.position)
            if not self.nested:
                child.unit.stage(state.stage, None, {name: "completed"})
            await child.commit("c", Barrier.SYNC)
        except ReqonError as error:
            self._note(error, name)
            if isinstance(error, RunError) and not isinstance(error, StorageError):
                await self._record(child, error, name)

    def _note(self, error: ReqonError, name: str) -> None:
        self.errors.append(error)
        self._tell_siblings(error, name)

    async def _record(self, child: Branch, error: RunError, name: str) -> None:
        """Errors of a nested group are errors of the step, which is recorded once."""
        if self.nested:
            return
        try:
            await record_failure(child, error, name, self.state.stage)
        except StorageError as failure:
            self._note(failure, name)

    def _tell_siblings(self, error: ReqonError, name: str) -> None:
        run = self.branch.run
        if isinstance(error, AbortError):
            run.stop.set(StoppedError("cancelled", f"'{name}' aborted the mission"))
        elif isinstance(error, StorageError):
            run.stop.set(StoppedError("cancelled", "state could not be written"))
        elif run.parallel_mode == "fail-fast" and isinstance(error, RunError):
            self.stop.set(StoppedError("cancelled", f"'{name}' of the same group failed"))


async def record_failure(
    branch: Branch, error: RunError, action: str | None = None, stage: int | None = None
) -> None:
    """Write an error that ended an action into the record, and tell it."""
    facts = branch.run.error_record(error, action)
    branch.unit.error(facts)
    if action is not None and stage is not None:
        branch.unit.stage(stage, None, {action: "failed"})
    branch.later.append(Failed(facts))
    await branch.commit("err", Barrier.FRAME)
