"""`for`: the body runs for each element, one after another or several at once.

The collection is fixed when the loop begins; the journal keeps it with the first commit inside.
The end of an iteration of an innermost loop ends a unit of work. A resume goes on at the
iteration that was not completed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reqon.errors import RunError
from reqon.plan.model import ForEachPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, SKIP, BoundBlock, Outcome, Slot
from reqon.steps.options import whole_number
from reqon.steps.positions import BlockPosition, LoopPosition, has
from reqon.values.access import is_store
from reqon.values.compile import Compiled, CompiledFilter
from reqon.values.scope import RESPONSE_SLOT, Value
from reqon.values.show import described

COLLECTION = "c"
DEFAULT_WIDTH = 5
_OF_LOOPS = has("i")
_TURN = 0xFF
"""Every so many iterations the event loop gets its turn."""
_SLICE = 2048
"""So many elements are filtered in one go."""


@dataclass(frozen=True, slots=True)
class ForEachRunner:
    """`where` answers the positions of the elements that pass."""

    plan: ForEachPlan
    slot: Slot
    collection: Compiled
    where: CompiledFilter | None
    width: Compiled | None
    body: BoundBlock

    async def run(self, ctx: StepContext) -> Outcome:
        """Go through the elements, from the beginning or from where a resume stands."""
        parent, suffix = ctx.here()
        position = LoopPosition(parent, suffix, self.plan.identity)
        ctx.open(position, _OF_LOOPS)
        if position.saved is None:
            await self._begin(ctx, position)
        else:
            position.elements = ctx.kept_value(position, COLLECTION)
        await ctx.loop_begins(position)
        if self.plan.parallel:
            await ctx.run_parallel(self, position)
            outcome = NEXT
        else:
            outcome = await self._sequence(ctx, position)
        ctx.loop_ends(position)
        ctx.close(position)
        return outcome

    async def _sequence(self, ctx: StepContext, position: LoopPosition) -> Outcome:
        """One iteration after another."""
        body = BlockPosition(position, "", self.body, position.index)
        before = ctx.slots[RESPONSE_SLOT]
        ctx.enter_body(body)
        try:
            outcome = await self._iterate(ctx, position, body)
        finally:
            ctx.regions.pop()
            ctx.slots[RESPONSE_SLOT] = before
        ctx.stack.pop()
        return NEXT if outcome is SKIP else outcome

    async def _iterate(
        self, ctx: StepContext, position: LoopPosition, body: BlockPosition
    ) -> Outcome:
        elements, slots, name = position.elements, ctx.slots, self.slot.name
        before, every = slots[RESPONSE_SLOT], self.plan.every
        index, total, resumed = position.index, len(elements), ctx.resumes
        while index < total:
            slots[name] = elements[index]
            slots[RESPONSE_SLOT] = before
            if resumed:
                ctx.resume_body(body)
                resumed = False
            outcome = await ctx.run_steps(body)
            if outcome is not NEXT and outcome is not SKIP:
                return outcome
            if body.written:
                ctx.erase(body)
            index += 1
            position.index = index
            position.dirty = True
            body.restart(index)
            if not ctx.holds_back(position, every, body):
                await ctx.end_iteration(position, every)
            if index & _TURN == 0:
                await ctx.breathe()
        return NEXT

    async def _begin(self, ctx: StepContext, position: LoopPosition) -> None:
        """Fix the collection: what passes `where`, as much of it as a trial may have."""
        whole = self._all(ctx)
        limit = ctx.item_limit
        if self.where is None:
            position.elements = whole if limit is None else whole[:limit]
            position.keep_value(COLLECTION, position.elements)
        else:
            numbers = await self._passing(ctx, whole)
            numbers = numbers if limit is None else numbers[:limit]
            position.elements = [whole[number] for number in numbers]
            position.keep_picked(COLLECTION, whole, numbers)

    def _all(self, ctx: StepContext) -> list[Any]:
        value: Value = self.collection.call(ctx.scope, None)
        if isinstance(value, list):
            return value  # pyright: ignore[reportUnknownVariableType]
        if not value and ctx.unanswered:
            ctx.foresee(f"would go through what is fetched: {self.plan.site.text}")
            return []
        if value is None:
            ctx.warn("the collection of 'for' is null; it counts as empty")
            return []
        if is_store(value):
            return value.list()
        raise RunError(
            "type",
            f"'for' needs an array or a store, found {described(value)}",
            hint="name the field that holds the list, such as 'response.items'",
        )

    async def _passing(self, ctx: StepContext, elements: list[Any]) -> list[int]:
        """The positions of the elements that pass; gives way to others in long lists."""
        assert self.where is not None, "called with a condition"
        select, scope = self.where.select, ctx.scope
        if len(elements) <= _SLICE:
            return select(scope, elements)
        found: list[int] = []
        for start in range(0, len(elements), _SLICE):
            found += [start + n for n in select(scope, elements[start : start + _SLICE])]
            await ctx.breathe()
        return found

    def width_of(self, ctx: StepContext, default: int) -> int:
        """How many iterations run at once."""
        if self.width is None:
            return default
        return whole_number(self.width.call(ctx.scope, None), "parallel", 1)


def bind_for_each(plan: ForEachPlan, place: Environment) -> tuple[ForEachRunner, Environment]:
    """Bind a loop; its variable is visible in `where` and in the body."""
    collection = place.expression(plan.collection)
    width = None if plan.width is None else place.expression(plan.width)
    where = None if plan.where is None else place.filter(plan.where, plan.variable)
    inner, slot = place.in_loop(plan.variable)
    return ForEachRunner(plan, slot, collection, where, width, inner.block(plan.body)), place
