"""Loops of a branch: where units end, what is told, and iterations that run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reqon.engine.staging import stage_position
from reqon.engine.together import all_of
from reqon.errors import ReqonError, RunError
from reqon.events.model import CheckpointSaved, Progressed, Warned
from reqon.journal.unit import Barrier
from reqon.steps.for_each import DEFAULT_WIDTH
from reqon.steps.options import whole_number
from reqon.steps.positions import BlockPosition, LoopPosition
from reqon.values.scope import RESPONSE_SLOT, Scope

if TYPE_CHECKING:
    from reqon.engine.context import Branch
    from reqon.steps.for_each import ForEachRunner

TELL_SECONDS = 0.1
"""Progress is told at most this often."""
BATCH = 255
"""So many iterations without waits are committed together."""
AHEAD = 64
"""So many iterations for each one at once may be done beyond the first that is not."""


async def begin(branch: Branch, position: LoopPosition) -> None:
    """A loop is entered; the outermost one of a pipeline action counts its items."""
    frame = branch.frame
    if frame.loop is not None:
        return
    frame.loop = position
    branch.run.told_at = asyncio.get_running_loop().time()
    if frame.nested or position.saved is not None:
        return
    before = branch.regions[0].items
    if branch.run.shown_items(frame.action) != before:
        branch.unit.checkpoint(frame.action, {"itemsProcessed": before})
        await branch.commit("c", Barrier.BATCH)


def end(branch: Branch, position: LoopPosition) -> None:
    """A loop is done, or left early; the next commit tells its last item."""
    frame = branch.frame
    if frame.loop is not position:
        return
    frame.loop = None
    if frame.nested:
        return
    action = branch.regions[0]
    action.items += position.index
    action.dirty = True
    total = len(position.elements)
    branch.unit.progress(frame.action, position.index, total)
    branch.later.append(Progressed(frame.action, position.index, total))


def holds_back(
    branch: Branch, position: LoopPosition, every: int | None, body: BlockPosition
) -> bool:
    """Count a complete iteration; whether it is committed later, with those that follow.

    Iterations that no other task can look into are committed some hundred at a time: nobody
    could tell the difference, unless every commit is to be synced.
    """
    if branch.frame.loop is position and not branch.frame.nested:
        branch.uncounted += 1
    if body.block.waits or branch.batched >= BATCH or not branch.run.batches:
        return False
    if every is not None and position.index % every == 0:
        return False
    branch.batched += 1
    return True


async def end_iteration(branch: Branch, position: LoopPosition, every: int | None) -> None:
    """End the unit: a checkpoint where one is due, told where enough time has passed."""
    if every is not None and position.index % every == 0:
        shown = _shown(branch, position)
        branch.later.append(CheckpointSaved(branch.frame.action, shown.index))
        _show_progress(branch, shown)
        await _checkpoint(branch)
    elif _is_time(branch):
        _show_progress(branch, _shown(branch, position))
        await branch.commit("c", Barrier.FRAME)
    else:
        await branch.commit("c", Barrier.BATCH)


async def _checkpoint(branch: Branch) -> None:
    """The loop goes on while it is written; where it is saved elsewhere, when that is done."""
    session = branch.run.session
    if not session.keeps_checkpoints:
        await branch.commit_behind()
        return
    await branch.commit("c", Barrier.SYNC)
    notice = await session.keep_state()
    if notice is not None:
        branch.emit(Warned("other", notice, branch.frame.action))


def _show_progress(branch: Branch, shown: LoopPosition) -> None:
    if branch.frame.nested:
        return
    note_progress(branch)
    branch.later.append(Progressed(branch.frame.action, shown.index, len(shown.elements)))


def note_progress(branch: Branch) -> None:
    """The next commit says how far the outermost loop of the pipeline's action is."""
    loop = branch.frame.loop
    if loop is not None and not branch.frame.nested:
        branch.unit.progress(branch.frame.action, loop.index, len(loop.elements))


async def end_batch(branch: Branch) -> None:
    """Commit the iterations that were held back."""
    if branch.batched:
        await branch.commit("c", Barrier.BATCH)


def _shown(branch: Branch, position: LoopPosition) -> LoopPosition:
    return branch.frame.loop or position


def _is_time(branch: Branch) -> bool:
    now = asyncio.get_running_loop().time()
    if now - branch.run.told_at < TELL_SECONDS:
        return False
    branch.run.told_at = now
    return True


# ---------------------------------------------------------------- several at once


async def run_parallel(branch: Branch, runner: ForEachRunner, position: LoopPosition) -> None:
    """Run the iterations that are not done, each in a branch of its own.

    The first error is raised when all that were running have ended.
    """
    await branch.commit("c", Barrier.FRAME)
    await _ParallelLoop(branch, runner, position).run()


class _ParallelLoop:
    """The iterations of one loop: which are done, which run, and the first error."""

    def __init__(self, branch: Branch, runner: ForEachRunner, position: LoopPosition) -> None:
        self.branch = branch
        self.runner = runner
        self.position = position
        self.done = position.done
        self.error: ReqonError | None = None
        self.moved = asyncio.Event()
        action = branch.run.mission.actions[branch.frame.action].plan
        default = DEFAULT_WIDTH
        if action.concurrency is not None:
            value = branch.run.evaluate(action.concurrency)
            default = whole_number(value, "concurrency", 1)
        self.width = runner.width_of(branch, default)

    async def run(self) -> None:
        waiting = iter([n for n in range(self.position.index, len(self.position.elements))
                        if n not in self.done])  # fmt: skip
        n_workers = min(self.width, len(self.position.elements))
        children = [
            self.branch.fork(f"{self.position.address}#{number}", self.branch.stop)
            for number in range(n_workers)
        ]
        await all_of(self._work(child, waiting) for child in children)
        await self._leave(children)
        if self.error is not None:
            raise self.error

    async def _leave(self, children: Sequence[Branch]) -> None:
        """The loop's own branch shows how far it came, before those that did it show nothing."""
        note_progress(self.branch)
        await self.branch.commit("c", Barrier.BATCH)
        for child in children:
            await end_batch(child)
            child.unit.leave()
            await child.unit.commit()

    async def _work(self, child: Branch, waiting: Iterator[int]) -> None:
        try:
            for index in waiting:
                await self._stay_near(index)
                if self.error is not None:
                    break
                await self._iterate(child, index)
        except ReqonError as error:
            self._failed(child, error)
        finally:
            self.moved.set()

    def _failed(self, child: Branch, error: ReqonError) -> None:
        if not isinstance(error, RunError):
            child.unit.discard()
            child.batched = 0  # the iterations held back are gone: their positions may not be kept
        if self.error is None:
            self.error = error
        elif isinstance(error, RunError) and isinstance(self.error, RunError):
            child.unit.error(child.run.error_record(error, child.frame.action))

    async def _stay_near(self, index: int) -> None:
        """Wait while too many iterations are done beyond one that is not."""
        while index - self.position.index > AHEAD * self.width and self.error is None:
            self.moved.clear()
            await self.moved.wait()

    async def _iterate(self, child: Branch, index: int) -> None:
        parent, runner = self.branch, self.runner
        body = BlockPosition(self.position, "", runner.body, index)
        child.frame = replace(parent.frame)
        child.scope = Scope(child.facts, dict(parent.slots))
        child.scope.last_sync = parent.scope.last_sync
        child.slots = child.scope.slots
        child.slots[runner.slot.name] = self.position.elements[index]
        child.slots[RESPONSE_SLOT] = parent.slots[RESPONSE_SLOT]
        child.stack = list(parent.stack)
        child.regions = [body] * runner.body.depth
        child.enter_body(body)
        if child.resumes:
            child.resume_body(body)
        try:
            await child.run_steps(body)
        except RunError as error:
            error.index = index
            raise
        child.stack.pop()
        child.erase(body)
        while child.unit.waits:
            await child.unit.ready()
        self._note_done(index)
        stage_position(child, self.position)
        if not child.frame.nested and parent.frame.loop is self.position:
            child.uncounted += 1
        await end_iteration(child, self.position, runner.plan.every)

    def _note_done(self, index: int) -> None:
        self.done.add(index)
        position = self.position
        while position.index in self.done:
            self.done.discard(position.index)
            position.index += 1
        position.dirty = True
        self.moved.set()
