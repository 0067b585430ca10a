"""A branch of execution: the context in which its steps run, and where it stands.

Each action of a parallel group and each iteration of a parallel loop is a branch with a unit of
its own; everything else runs in the branch it is met in. The branch keeps the stack of positions
and, at every commit, hands to its unit what changed: positions, variables, active step. Steps see
it as `StepContext`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from reqon.engine import calls, loops, pipeline
from reqon.engine.facts import BranchFacts
from reqon.engine.foresight import dependent_text, depends_on_replies
from reqon.engine.going_back import FAILS_AGAIN, go_back
from reqon.engine.keeper import load_body, load_meta, page_cell, page_json, save_meta
from reqon.engine.sending import LONG_WAIT_MS, chance, send, take_credentials
from reqon.engine.staging import stage
from reqon.engine.standing import SCOPE_SLOT, Standing
from reqon.engine.window import until_parameter
from reqon.errors import Place, RunError, StorageError
from reqon.events.model import Event, Foreseen, RetryScheduled, Warned
from reqon.http.messages import HttpFailure, HttpReply
from reqon.http.paging.merge import ItemPath
from reqon.http.retry import wait_before
from reqon.journal.unit import Barrier, Unit
from reqon.plan.model import Anchor
from reqon.plan.policies import RetryPolicy
from reqon.steps.base import Json, Sending, SourceInUse
from reqon.steps.bound import NEXT, BoundBlock, BoundStage, GoBack, Outcome, Slot
from reqon.steps.positions import BlockPosition, Fits, LoopPosition, Position
from reqon.values.dates import parse_iso
from reqon.values.json_form import json_form
from reqon.values.reply import ReplyMeta
from reqon.values.scope import RESPONSE_SLOT, Scope, StoreView, Value

if TYPE_CHECKING:
    from reqon.engine.running import Running
    from reqon.engine.stops import Stop
    from reqon.steps.for_each import ForEachRunner

_NO_PLACE: Mapping[str, None] = {"cursor": None, "nextUrl": None, "offset": None}
"""What a list shows of its next page; gone when there is none."""

BEFORE_FAILURE = ""
"""In the place of a directive: tries of a run that failed; they still tell passes apart."""

_OTHER_STEP = (
    "the run had stopped inside another step than the one that the changed program has here: "
    "what was done in that step is done again, requests included"
)


class Branch(Standing):
    """One branch. `slots`, `scope` and `regions` are those of the innermost action."""

    __slots__ = ("batched", "facts", "inherited", "later", "scope", "stop", "uncounted")

    def __init__(self, run: Running, unit: Unit, stop: Stop, around: Sequence[Position]) -> None:
        super().__init__(run, unit, around)
        self.stop = stop
        self.facts = BranchFacts(self)
        self.scope = Scope(self.facts)
        self.slots = self.scope.slots
        self.later: list[Event] = []
        self.uncounted = 0
        self.batched = 0
        self.inherited = 0

    def fork(self, name: str, stop: Stop) -> Branch:
        """A new branch with a unit of its own, inside of the same constructs."""
        child = Branch(self.run, self.run.session.unit(name), stop, self.stack)
        child.inherited = len(self.stack)
        return child

    @property
    def action_name(self) -> str:
        """The action being run."""
        return self.frame.action

    @property
    def last_source(self) -> str | None:
        """The source of the latest request of the action."""
        return self.frame.last_source

    @property
    def item_limit(self) -> int | None:
        """How many items a loop may have in a trial."""
        return self.run.window.limit

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be sent."""
        return self.run.dry_run

    @property
    def unanswered(self) -> bool:
        """Whether data may be missing because a dry run did not fetch it."""
        return self.run.unanswered

    @property
    def resumes(self) -> bool:
        """Whether an earlier process left positions that are not taken up yet."""
        return self.run.resume.active

    # -------------------------------------------------------------- variables

    def assign(self, slot: Slot, value: Value) -> None:
        """Put a value into a slot; the next commit keeps it."""
        self.slots[slot.name] = value
        self.regions[slot.depth].changed.add(slot.name)

    def set_response(self, value: Value) -> None:
        """Put a value into `response`, which belongs to the innermost region."""
        self.slots[RESPONSE_SLOT] = value
        self.regions[-1].changed.add(RESPONSE_SLOT)

    def store(self, name: str) -> StoreView:
        """A store as this branch sees it."""
        return self.unit.view(name)

    # -------------------------------------------------------------- blocks

    async def run_block(self, block: BoundBlock, suffix: str = "b") -> Outcome:
        """Run an inner block in the present region."""
        position = BlockPosition(self.stack[-1], suffix, block)
        self.stack.append(position)
        self.load(position)
        outcome = await self.run_steps(position)
        self.close(position)
        return outcome

    async def run_steps(self, position: BlockPosition) -> Outcome:
        """Run the steps of the block on top of the stack, from where it stands."""
        block = position.block
        if position.saved is not None and self.run.ways_back.ways:
            go_back(self, position)
        runners, restored = block.runners, block.restored
        count = len(runners)
        at = position.at
        left = at if self.run.forced else -1
        while at < count:
            if self.stop.reason is not None:
                await self.stop_here(position)
            if at in restored:
                self._snapshot(position, at)
            try:
                result = runners[at].run(self)
                outcome = await result if isinstance(result, CoroutineType) else result
            except RunError as error:
                outcome = await self._failed_here(error, position)
            if at == left:
                self._forget_untaken(f"{position.address}/{at}")
            if outcome is not NEXT:
                if not isinstance(outcome, GoBack) or outcome.anchor.block != block.path:
                    return outcome
                at = outcome.anchor.index
                self._go_back(position, at)
                continue
            at += 1
            position.at = at
            position.dirty = True
            if block.commits and self._ends_unit():
                await self.commit()
        return NEXT

    def load(self, position: Position, fits: Fits | None = None) -> bool:
        """Take the cell that is left here; of one that is forgotten people are told."""
        fitted = super().load(position, fits)
        if not fitted:
            self.warn(_OTHER_STEP)
        return fitted

    def _forget_untaken(self, address: str) -> None:
        """The step at which a block was taken up is done: what is left there is not that step's."""
        if self.run.resume.take(address) is not None:
            self.forget(address)
            self.warn(_OTHER_STEP)

    def _ends_unit(self) -> bool:
        """Whether the step that ended wrote a store or set `response`."""
        return self.unit.changed or RESPONSE_SLOT in self.regions[-1].changed

    def _snapshot(self, position: BlockPosition, at: int) -> None:
        """Before an anchor runs: what going back to it has to restore."""
        if at in position.snapshots:
            return
        position.used = True
        kept = self.run.resume.take(f"{position.address}/s{at}") if self.resumes else None
        if kept is not None:
            load = self.run.keeper.load
            position.snapshots[at] = {s: load(v, self.unit) for s, v in kept.items()}
            return
        names = position.block.restored[at]
        position.snapshots[at] = {s.name: self.slots.get(s.name) for s in names}
        position.keep_slots(f"s{at}", position.snapshots[at])

    def _go_back(self, position: BlockPosition, at: int) -> None:
        if at not in position.snapshots:
            self._snapshot(position, at)
        snapshot = position.snapshots[at]
        for slot in position.block.restored[at]:
            self.assign(slot, snapshot[slot.name])
        self.stand_at(position, at)

    @staticmethod
    def stand_at(position: BlockPosition, at: int) -> None:
        """The next step of the block is this one."""
        position.at = at
        position.dirty = True

    async def stop_here(self, position: BlockPosition) -> None:
        """Told to stop in front of a step: the unit ends here. Always raises the reason."""
        loops.note_progress(self)
        await self.commit()
        error = self.stop.error()
        if isinstance(error, RunError):
            self._attach(error, position)
        raise error

    async def _failed_here(self, error: RunError, position: BlockPosition) -> Outcome:
        """A step failed: say which, and keep the position in front of it.

        Raises the error again, unless it is one that a dry run passes over.
        """
        if error.step_path is not None:
            raise error
        if self.unanswered and depends_on_replies(error):
            self.unwind(position)
            self.foresee(dependent_text(self.site.text, error))
            return NEXT
        self._attach(error, position)
        if not isinstance(error, StorageError):
            self.unwind(position)
            loops.note_progress(self)
            await self.commit("c", Barrier.BATCH)
        raise error

    def _attach(self, error: RunError, position: BlockPosition) -> None:
        sites = position.block.sites
        site = sites[min(position.at, len(sites) - 1)]
        error.step_path, error.step, error.place = site.path, site.text, site.place
        loop = next((p for p in self.stack if isinstance(p, LoopPosition)), None)
        error.index = None if loop is None else loop.index
        if error.hint is None and site.path in self.run.ways_back.unmended:
            error.hint = FAILS_AGAIN

    # -------------------------------------------------------------- loops

    async def loop_begins(self, position: LoopPosition) -> None:
        """A loop is entered, or taken up again."""
        await loops.begin(self, position)

    holds_back = loops.holds_back

    async def end_iteration(self, position: LoopPosition, every: int | None) -> None:
        """An iteration is complete: the unit ends."""
        await loops.end_iteration(self, position, every)

    def loop_ends(self, position: LoopPosition) -> None:
        """All iterations are complete."""
        loops.end(self, position)

    async def run_parallel(self, runner: ForEachRunner, position: LoopPosition) -> None:
        """Run the iterations in branches of their own, several at once."""
        await loops.run_parallel(self, runner, position)

    async def breathe(self) -> None:
        """Let other tasks have their turn."""
        await asyncio.sleep(0)

    # -------------------------------------------------------------- actions

    async def run_action(self, name: str, jumped_from: str | None = None) -> None:
        """Run an action in a scope of its own, as part of this branch."""
        await calls.run_action(self, name, self.stack[-1], name, nested=True, source=jumped_from)

    async def run_stages(self, stages: tuple[BoundStage, ...]) -> None:
        """Run a pipeline as a step."""
        await pipeline.run_step(self, stages)

    def count_try(self, anchor: Anchor, directive: str, most: int) -> int:
        """Count an arrival at a directive that goes back; answers how many there were.

        Where a run has failed because all were used up, its resume has them anew.
        """
        for position in reversed(self.stack):
            if isinstance(position, BlockPosition) and position.block.path == anchor.block:
                tries = position.tries.get(directive, 0)
                if tries >= most and position.saved is not None and self.run.has_failed_before:
                    position.tries[BEFORE_FAILURE] = tries + position.tries.get(BEFORE_FAILURE, 0)
                    tries = 0
                position.tries[directive] = tries + 1
                position.used = True
                position.dirty = True
                return position.tries[directive]
        raise AssertionError("an anchor lies around its directive")

    @staticmethod
    def wait_before(policy: RetryPolicy, attempt: int) -> float:
        """Milliseconds to wait before an attempt (from 2)."""
        return wait_before(policy, attempt, chance)

    async def wait(self, milliseconds: float, attempt: int, reason: str) -> None:
        """Wait before a further try; a long wait ends the unit of work first."""
        if self.dry_run:
            return
        await self.before_wait(milliseconds, attempt, reason)
        await self.stop.sleep(milliseconds / 1000)

    async def before_wait(self, milliseconds: float, attempt: int, reason: str) -> None:
        """What has to be true before a wait begins."""
        if milliseconds > LONG_WAIT_MS:
            await self.commit()
        self.emit(
            RetryScheduled(self.action_name, self.site.text, attempt, round(milliseconds), reason)
        )

    # -------------------------------------------------------------- requests

    def source(self, name: str) -> SourceInUse:
        """A source by its name."""
        return self.run.sources.get(name)

    def note_request(self, sending: Sending, path: str) -> None:
        """Make the request what `request` and `currentOperation` mean."""
        self.frame.last_source = sending.source.name
        if not self.frame.keeps_scope:
            return
        request = sending.request
        self.scope.request = {
            "source": sending.source.name,
            "method": request.method,
            "path": path,
            "url": request.url,
            "params": json_form(sending.params),
            "body": json_form(sending.body),
        }
        self.scope.current_operation = f"{request.method} {path.partition('?')[0]}"
        self.kept_scope()

    def kept_scope(self) -> None:
        """`lastSync` or `request` changed; kept where the action uses them."""
        if not self.frame.keeps_scope:
            return
        scope = self.scope
        self.slots[SCOPE_SLOT] = {
            "lastSync": scope.last_sync,
            "request": scope.request,
            "operation": scope.current_operation,
        }
        self.regions[0].changed.add(SCOPE_SLOT)

    async def send(self, sending: Sending) -> HttpReply | HttpFailure:
        """Send; never raises for failures of the other side."""
        return await send(self, sending)

    def took(self, reply: HttpReply) -> None:
        """A reply was accepted: credentials in it may be taken over."""
        take_credentials(self, reply)

    def answers(self) -> int:
        """How many replies this place has had in this pass after which it makes another call.

        They are counted where going back does not forget them, each in a cell of its own.
        """
        block = self.call_scope()
        place = self.place()[len(block.address) + 1 :]
        if place not in block.answers and self.resumes:
            kept = self.run.resume.take(f"{block.address}/n/{place}")
            if kept is not None:
                block.answers[place] = kept
                block.used = True
                block.note_written()
        return block.answers.get(place, 0)

    def answered(self) -> None:
        """Count one more; nothing where no directive can come back here."""
        if self.repeated() is not None:
            self.calls_anew()

    def calls_anew(self) -> None:
        """The next request of this place is another call, with a key of its own."""
        block = self.call_scope()
        place = self.place()[len(block.address) + 1 :]
        block.answers[place] = self.answers() + 1
        block.used = True
        if self.run.keeps_state:
            block.note_written()
            self.unit.cell(f"{block.address}/n/{place}", block.answers[place])

    def note_unanswered(self) -> None:
        """A request that changes something has failed and stays recorded as long as its scope."""
        scope = self.call_scope()
        scope.used = True
        scope.note_written()

    def call_scope(self) -> BlockPosition:
        """The block as long as which a request may be sent again as the same call."""
        return self.repeated() or self.regions[-1]

    def keep_reply(self, position: Position, value: Value, cell: Json) -> None:
        """Keep a large reply at its position, for variables to refer to."""
        if self.run.keeps_state:
            self.run.keeper.add_root(position.address, value)
            position.keep_whole("r", value)
            position.keep(cell)

    def keep_page(
        self, position: Position, number: int, body: Json, json: bytes | None = None
    ) -> None:
        """Keep a page of a list; `json` is its JSON, where that is at hand."""
        if self.run.keeps_state:
            position.note_written()
            content = None if json is None else page_json(json)
            self.unit.page(f"{position.address}/p/{number}", page_cell(body), content)

    def kept_page(self, position: Position, number: int) -> Json:
        """A page that an earlier process kept."""
        return load_body(self.run.session.state.cells[f"{position.address}/p/{number}"], self.unit)

    def keep_pages(
        self, position: Position, value: Value, pages: int, path: ItemPath | None, meta: ReplyMeta
    ) -> None:
        """The list is whole: variables refer to its pages."""
        if not self.run.keeps_state:
            return
        self.run.keeper.add_root(position.address, value)
        items = None if path is None else list(path)
        position.keep_json("r", {"pages": pages, "items": items, "meta": save_meta(meta)})
        position.keep({"done": True})

    @staticmethod
    def meta_to_keep(meta: ReplyMeta) -> Json:
        """The facts of a reply as JSON."""
        return save_meta(meta)

    @staticmethod
    def kept_meta(kept: Json) -> ReplyMeta:
        """The inverse of `meta_to_keep`."""
        return load_meta(kept)

    def show_pages(self, progress: Mapping[str, Any], items: int) -> None:
        """Pages and items so far, for the record; only of the pipeline's own actions."""
        if self.frame.nested or self.frame.loop is not None:
            return
        if not self.frame.loops:
            items += self.regions[0].items
            progress = {**progress, "itemsProcessed": items}
        self.unit.checkpoint(self.action_name, {**_NO_PLACE, **progress})
        self.unit.progress(self.action_name, items, None)

    def count_fetched(self, items: int) -> None:
        """So many items have arrived; they are the action's items if it has no loop."""
        if not self.frame.loops:
            self.regions[0].items += items
            self.regions[0].dirty = True

    def show_fetched(self, items: int) -> None:
        """The same for a reply that is no page, shown at once."""
        self.count_fetched(items)
        if not self.frame.nested and not self.frame.loops:
            self.unit.count_items(self.action_name, items)

    # -------------------------------------------------------------- incremental sync

    def last_sync(self, key: str) -> datetime | None:
        """The time of the last sync, as it was when the execution began."""
        window = self.run.window
        if window.full or window.since is not None:
            return window.since
        found = self.run.session.sync_checkpoint(key)
        return None if found is None else parse_iso(found.last_sync)

    def window_params(self, since_parameter: str) -> Mapping[str, Any]:
        """The end of a window that the caller of the run set."""
        until = self.run.window.until
        return {} if until is None else {until_parameter(since_parameter): until}

    def propose_sync(self, key: str, last_sync: str, items: int, *, cursor: bool) -> None:
        """A complete fetch: a candidate for the next `lastSync`."""
        if self.run.window.publishes and not self.run.dry_run:
            self.unit.sync(key, self.action_name, last_sync, items, cursor=cursor)

    # -------------------------------------------------------------- commits and telling

    async def commit(self, kind: Any = "c", barrier: Barrier = Barrier.FRAME) -> None:
        """End the unit of work here; tells what was held back until now."""
        told = await self._staged(tells=barrier is not Barrier.BATCH)
        with self._forgetting():
            await self.unit.commit(kind, barrier)
        self.run.teller.tell(told)

    async def commit_behind(self) -> None:
        """End the unit at a checkpoint; what was held back is told when that is on the disk."""
        behind = self.run.teller.behind(await self._staged(tells=True))
        with self._forgetting():
            await self.unit.commit_behind("c", behind.reached)
        behind.wait()

    async def _staged(self, *, tells: bool) -> list[Event]:
        """Hand everything to the unit, which is then ready; answers what its commit tells."""
        self.batched = 0
        stage(self)
        while self.unit.waits:
            await self.unit.ready()
            stage(self)
        told: list[Event] = []
        if tells:
            told, self.later = self.later, told
        return told

    @contextmanager
    def _forgetting(self) -> Generator[None]:
        """Around a commit: what cannot be written is forgotten by the unit."""
        try:
            yield
        except StorageError:
            raise
        except RunError:
            self._forget_unit()
            raise

    async def commit_what_led_here(self, barrier: Barrier = Barrier.BATCH) -> None:
        """Before a request that changes something: what it follows from is not asked for again.

        A redo could get another answer, or another time, and would not come here or say something
        else.
        """
        own = self.stack[self.inherited :]
        if self.unit.changed or any(
            position.dirty or (isinstance(position, BlockPosition) and position.changed)
            for position in own
        ):
            await self.commit("c", barrier)

    def _forget_unit(self) -> None:
        """What the unit holds cannot be written: the next commit writes the positions again."""
        self.unit.discard()
        for position in self.stack[self.inherited :]:
            position.dirty = True

    def emit(self, event: Event) -> None:
        """Tell what a commit has made true."""
        self.run.events.emit(event)

    def emit_later(self, event: Event) -> None:
        """Tell it when the next commit has made it true."""
        self.later.append(event)

    def foresee(self, message: str) -> None:
        """A dry run tells what would be done here."""
        site = self.site.place
        place = None if site is None else f"{site.file}:{site.line}:{site.column}"
        self.emit(Foreseen(self.action_name, self.run.secrets.redact(message), place))

    def compare(self, schema: str, found: list[str]) -> None:
        """Warn where a `map` result does not fit its target schema."""
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        self.warn(f"the result of 'map' does not fit '{schema}': {found[0]}{more}")

    def warn(self, message: str, kind: str = "other", place: Place | None = None) -> None:
        """Count a warning with the present unit and tell it."""
        if self.unanswered:
            self.foresee(f"without what is fetched: {message}")
            return
        self.unit.warn("assume" if kind == "assume" else "other")
        if place is None and self.frame.action:
            place = self.site.place
        text = None if place is None else f"{place.file}:{place.line}:{place.column}"
        message = self.run.secrets.redact(message)
        self.later.append(Warned(kind, message, self.action_name or None, text))
