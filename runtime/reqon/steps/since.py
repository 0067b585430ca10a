"""Incremental sync: the time that is sent with a request, and the one that the next run sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reqon.clock import format_instant
from reqon.errors import RunError
from reqon.http.messages import HttpReply
from reqon.http.since import since_value
from reqon.plan.model import SincePlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.options import BoundOptions, milliseconds, text
from reqon.steps.paging import PagedResult, of_body
from reqon.values.compile import Compiled
from reqon.values.date_format import format_date
from reqon.values.dates import as_date, from_epoch
from reqon.values.numbers import is_number
from reqon.values.scope import Value
from reqon.values.show import described
from vague.ast.expressions import Expression, StringLiteral
from vague.parser import parse_expression

DEFAULT_PARAMETER = "modified_since"
CLOCK_SLACK = timedelta(seconds=1)
"""Taken off a reply's `Date`, which is cut to seconds and may be behind what was read."""


@dataclass(frozen=True, slots=True)
class BoundSince:
    """`value` None stands for `lastSync` itself."""

    value: Compiled | None
    options: BoundOptions
    update_from: Callable[[Any, Value], Value] | None

    def evaluate(self, ctx: StepContext, source: str, path: str) -> Since:
        """What this request sends; sets `lastSync` for the other options."""
        options = self.options.evaluate(ctx.scope)
        key = options.get("syncKey")
        key = f"{source}-{_bare_path(path)}" if key is None else text(key, "syncKey")
        last = ctx.last_sync(key)
        ctx.scope.last_sync = last
        ctx.kept_scope()
        return Since(key, self._params(ctx, options, last), self.update_from)

    def _params(
        self, ctx: StepContext, options: dict[str, Value], last: datetime | None
    ) -> Mapping[str, Any]:
        name = options.get("sinceParam")
        name = DEFAULT_PARAMETER if name is None else text(name, "sinceParam")
        value: Value = last if self.value is None else self.value.call(ctx.scope, None)
        params = ctx.window_params(name)
        if value is None:
            return params
        if self.value is not None and not isinstance(value, datetime):
            return {name: value, **params}
        form = options.get("sinceFormat")
        form = "iso" if form is None else text(form, "sinceFormat")
        overlap = options.get("sinceOverlap")
        overlap_ms = 0 if overlap is None else milliseconds(overlap, "sinceOverlap")
        return {name: since_value(value, form, format_date, overlap_ms), **params}


@dataclass(frozen=True, slots=True)
class Since:
    """An incremental request in progress."""

    key: str
    params: Mapping[str, Any]
    update_from: Callable[[Any, Value], Value] | None

    def complete(self, ctx: StepContext, reply: HttpReply, value: Value, n_items: int) -> None:
        """The reply is whole: its time is a candidate for the next `lastSync`."""
        if reply.ok:
            self._propose(ctx, reply.started_at, reply.date, value, n_items)

    def complete_pages(self, ctx: StepContext, result: PagedResult) -> None:
        """The same when all pages have arrived."""
        if result.ok:
            self._propose(ctx, result.started_at, result.date, result.value, result.n_items)

    def _propose(
        self,
        ctx: StepContext,
        started_at: datetime,
        date: datetime | None,
        value: Value,
        n_items: int,
    ) -> None:
        instant = started_at
        if date is not None:
            instant = min(instant, date - CLOCK_SLACK)
        if self.update_from is None:
            ctx.propose_sync(self.key, format_instant(instant), n_items, cursor=False)
            return
        newest = _newest(self.update_from(ctx.scope, value))
        if newest is not None:
            clamped = min(newest, instant)
            ctx.propose_sync(self.key, format_instant(clamped), n_items, cursor=True)


def _newest(value: Value) -> datetime | None:
    """The latest of one or several times; null where there is none."""
    values: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
    dates = [date for item in values if (date := _date(item)) is not None]
    if values and values != [None] and not dates:
        raise RunError(
            "type",
            f"'updateFrom' leads to {described(value)}, which is no date",
            hint="name a field that holds an ISO date or an epoch number",
        )
    return max(dates, default=None)


def _date(value: Value) -> datetime | None:
    """A date, an ISO text or an epoch number as a date."""
    return from_epoch(value) if is_number(value) else as_date(value)


def _bare_path(path: str) -> str:
    return path.partition("?")[0]


def bind_since(plan: SincePlan, place: Environment) -> BoundSince:
    """Bind `since`."""
    options = dict(plan.options)
    path: Expression | None = options.pop("updateFrom", None)
    update: Callable[[Any, Value], Value] | None = None
    if path is not None:
        if isinstance(path, StringLiteral):
            parsed, _ = parse_expression(path.value)
            path = path if parsed is None else parsed
        update = place.expression_of(of_body(path)).call
    value = None if plan.value is None else place.expression(plan.value)
    return BoundSince(value, place.options(options), update)
