"""`store`, `delete` and `clear`: records go into stores with the present unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from reqon.errors import RunError
from reqon.plan.model import ClearPlan, DeleteRecordPlan, StoreRecordPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, Outcome
from reqon.values.access import is_store
from reqon.values.compile import Compiled
from reqon.values.json_form import record_form
from reqon.values.operators import truthy
from reqon.values.show import described
from reqon.values.text import record_key

PARTIAL = "_partial"
_TURN = 0xFF
"""Every so many records the event loop gets its turn."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How a record meets one of the same key. `partial` is written into the record."""

    merge: bool
    must_exist: bool
    partial: bool | None


def mode_of(upsert: bool | None, partial: bool | None) -> Mode:  # noqa: FBT001 - a table
    """The row of the table that the two options choose; None is an option not written."""
    if upsert is False:
        return Mode(merge=partial is True, must_exist=partial is True, partial=partial)
    merge = partial is True or (upsert is True and partial is None)
    return Mode(merge=merge, must_exist=False, partial=partial)


@dataclass(frozen=True, slots=True)
class StoreRunner:
    """`key` None means the record's `id`; `plain`: neither of the other options is written."""

    store: str
    each: bool
    value: Compiled
    key: Compiled | None
    upsert: Compiled | None
    partial: Compiled | None
    plain: bool

    def run(self, ctx: StepContext) -> Outcome | CoroutineType[Any, Any, Outcome]:
        """Evaluate, then stage every record; a long list gives way to others now and then."""
        value = self.value.call(ctx.scope, None)
        mode = _REPLACE if self.plain else self._mode(ctx)
        if type(value) is dict or isinstance(value, dict):
            if self.each:
                raise self._no_array(value)
            self._put(ctx, value, mode, 0)
            return NEXT
        if isinstance(value, list):
            return self._put_all(ctx, value, mode)  # pyright: ignore[reportUnknownArgumentType]
        if value is not None and is_store(value):
            return self._put_all(ctx, value.list(), mode)
        if self.each and value is not None:
            raise self._no_array(value)
        self._put(ctx, value, mode, 0)
        return NEXT

    async def _put_all(self, ctx: StepContext, values: list[Any], mode: Mode) -> Outcome:
        """Stage all elements, or none of them where one cannot be stored."""
        mark = ctx.unit.mark(self.store)
        try:
            for number, element in enumerate(values):
                if number & _TURN == _TURN:
                    await ctx.breathe()
                self._put(ctx, element, mode, number)
        except RunError:
            ctx.unit.undo(self.store, mark)
            raise
        return NEXT

    def _no_array(self, value: Any) -> RunError:
        return RunError(
            "type",
            f"'store each' needs an array, found {described(value)}",
            hint="leave 'each' out to store one record",
        )

    def _mode(self, ctx: StepContext) -> Mode:
        return mode_of(_switch(self.upsert, ctx), _switch(self.partial, ctx))

    def _put(self, ctx: StepContext, value: Any, mode: Mode, number: int) -> None:
        if not value and ctx.unanswered:
            ctx.foresee(f"would store what is fetched in '{self.store}'")
            return
        if value is None:
            ctx.warn(f"null was not stored in '{self.store}'")
            return
        record = record_form(value)
        key = self._key(ctx, value if isinstance(value, dict) else record, number)
        if mode is not _REPLACE:
            record = self._merged(ctx, key, record, mode)
        ctx.unit.put(self.store, key, record)

    def _key(self, ctx: StepContext, record: Any, number: int) -> str:
        if self.key is not None:
            return record_key(self.key.call(ctx.scope, record))
        own = record.get("id")
        return ctx.facts.record_key(number) if own is None else record_key(own)

    def _merged(
        self, ctx: StepContext, key: str, record: dict[str, Any], mode: Mode
    ) -> dict[str, Any]:
        if mode.partial is not None:
            record = {**record, PARTIAL: mode.partial}
        if not mode.merge:
            return record
        before = ctx.store(self.store).get(key)
        if before is not None:
            return {**before, **record}
        if mode.must_exist:
            raise RunError(
                "store_missing",
                f"store '{self.store}' has no record '{key}' to update",
                hint="leave 'upsert: false' out to insert it",
            )
        return record


_REPLACE = mode_of(None, None)


def _switch(option: Compiled | None, ctx: StepContext) -> bool | None:
    if option is None:
        return None
    value = option.call(ctx.scope, None)
    return None if value is None else truthy(value)


def bind_store(plan: StoreRecordPlan, place: Environment) -> tuple[StoreRunner, Environment]:
    """Bind a `store` step; in `key` `.name` is a field of the record."""
    key, upsert, partial = (plan.options.get(name) for name in ("key", "upsert", "partial"))
    runner = StoreRunner(
        plan.target,
        plan.each,
        place.expression(plan.value),
        None if key is None else place.expression_of(key),
        None if upsert is None else place.expression(upsert),
        None if partial is None else place.expression(partial),
        plain=upsert is None and partial is None,
    )
    return runner, place


@dataclass(frozen=True, slots=True)
class DeleteRunner:
    """A missing key is fine."""

    store: str
    key: Compiled

    def run(self, ctx: StepContext) -> Outcome:
        """Stage the removal."""
        ctx.unit.delete(self.store, record_key(self.key.call(ctx.scope, None)))
        return NEXT


def bind_delete(plan: DeleteRecordPlan, place: Environment) -> tuple[DeleteRunner, Environment]:
    """Bind a `delete`."""
    return DeleteRunner(plan.store, place.expression(plan.key)), place


@dataclass(frozen=True, slots=True)
class ClearRunner:
    """Empties a store."""

    store: str

    def run(self, ctx: StepContext) -> Outcome:
        """Stage the removal of everything."""
        ctx.unit.clear(self.store)
        return NEXT


def bind_clear(plan: ClearPlan, place: Environment) -> tuple[ClearRunner, Environment]:
    """Bind a `clear`."""
    return ClearRunner(plan.store), place
