"""Requests: one reply, or all pages of a list, become `response`.

Options are evaluated once; every page is a unit of work of its own, kept as it arrived, so that a
resume asks for the next page and not for the first. A failure is an error of the step, or where
the next step is a `match` on `response`, a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reqon.errors import RunError
from reqon.http.encode import RequestParts, Target, build_request
from reqon.http.messages import FAILURES, UNSAFE_TO_REPEAT, HttpFailure, HttpReply
from reqon.http.paging.merge import find_items, items_at
from reqon.http.paths import Placeholder, fill_path, path_parts
from reqon.plan.model import RequestPlan
from reqon.plan.options import bare
from reqon.plan.policies import RetryPolicy
from reqon.steps.base import Environment, Sending, SourceInUse, StepContext
from reqon.steps.bound import NEXT, Outcome
from reqon.steps.options import BoundOptions, milliseconds, options_object, retry_policy
from reqon.steps.paging import ASKED, BoundPaging, bind_paging, fetch_pages
from reqon.steps.positions import Position, has
from reqon.steps.since import BoundSince, Since, bind_since
from reqon.values.compile import Compiled
from reqon.values.reply import Headers, ReplyMeta, with_reply
from reqon.values.scope import Scope, Value
from reqon.values.show import described
from reqon.values.text import text_of
from vague.ast.base import Identifier
from vague.ast.expressions import (
    DurationLiteral,
    Entry,
    Expression,
    FieldAccess,
    LastSync,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    StringLiteral,
)

NOT_LET_IN = frozenset({401, 403})
"""Refusals of whoever asks, not of what is asked for."""
KEPT_BYTES = 16 * 1024
"""A larger reply is kept where it was fetched, and variables refer to it."""


@dataclass(frozen=True, slots=True)
class FetchRunner:
    """A bound request. `path` gives the filled-in path, `source` a source's name.

    `delay` is that of `retry` where the program computes it: evaluated before each wait.
    """

    plan: RequestPlan
    source: Callable[[Scope], str]
    path: Callable[[Scope], str]
    options: BoundOptions
    retry: Compiled | None
    delay: Compiled | None
    since: BoundSince | None
    paging: BoundPaging | None

    async def run(self, ctx: StepContext) -> Outcome:
        """Send and put what comes back into `response`."""
        position = ctx.open(fits=self._fits)
        if position.saved is not None and "done" in position.saved:
            ctx.erase(position)
            position.saved = None
        source = ctx.source(self.source(ctx.scope))
        values = self._values(ctx, position)
        path = values["path"]
        since = None if self.since is None else self.since.evaluate(ctx, source.name, path)
        sending = self._sending(ctx, source, values, since)
        ctx.note_request(sending, path)
        if self.paging is None:
            await self._fetch_one(ctx, position, sending, since)
        else:
            kept = self.paging.asked.to_keep(values)
            await self._fetch_pages(ctx, position, sending, since, kept)
        ctx.linger(position)
        return NEXT

    def _fits(self, saved: Any) -> bool:
        """Whether a cell says that a reply was kept, or has pages of this very list."""
        if self.paging is None or not has("paging")(saved):
            return has("done")(saved)
        return saved.get("of", self.paging.of) == self.paging.of

    # -------------------------------------------------------------- the request

    def _values(self, ctx: StepContext, position: Position) -> dict[str, Value]:
        """The options and the path; in the middle of a list, what its first page was asked with."""
        values: dict[str, Value] = {"path": self.path(ctx.scope)}
        values |= self.options.evaluate(ctx.scope)
        if self.paging is None or position.saved is None:
            return values
        return self.paging.asked.settled(values, ctx.kept_value(position, ASKED))

    def _sending(
        self, ctx: StepContext, source: SourceInUse, values: dict[str, Value], since: Since | None
    ) -> Sending:
        params = _object(values, "params")
        if since is not None and since.params:
            params = {**(params or {}), **since.params}
        parts = RequestParts(
            self.plan.method,
            values["path"],
            params,
            _object(values, "headers"),
            values.get("body"),
            has_body="body" in values,
        )
        request = build_request(Target(source.name, source.base, source.headers), parts)
        timeout = values.get("timeout")
        timeout_ms = source.timeout_ms if timeout is None else milliseconds(timeout, "timeout")
        policy, scope = self._retry(ctx, source)
        return Sending(
            request,
            source,
            timeout_ms,
            policy,
            scope,
            params=params,
            body=parts.body,
            delay=self._delay(ctx),
        )

    def _delay(self, ctx: StepContext) -> Callable[[], float | None] | None:
        delay = self.delay
        if delay is None:
            return None

        def next_wait() -> float | None:
            value = delay.call(ctx.scope, None)
            return None if value is None else milliseconds(value, "delay")

        return next_wait

    def _retry(self, ctx: StepContext, source: SourceInUse) -> tuple[RetryPolicy | None, Any]:
        if self.retry is None:
            return source.retry, "source"
        written = self.retry.call(ctx.scope, None)
        if written is None:
            return source.retry, "source"
        return retry_policy(options_object(written, "retry"), source.retry), "request"

    # -------------------------------------------------------------- replies

    async def _fetch_one(
        self, ctx: StepContext, position: Position, sending: Sending, since: Since | None
    ) -> None:
        reply = await ctx.send(sending)
        if isinstance(reply, HttpFailure):
            self._fail(ctx, reply)
            return
        value = with_reply(reply.body, meta_of(reply))
        ctx.set_response(value)
        if reply.n_bytes > KEPT_BYTES:
            ctx.keep_reply(position, value, {"done": True})
        ctx.took(reply)
        n_items = _n_items(value)
        ctx.show_fetched(n_items)
        if since is not None:
            since.complete(ctx, reply, value, n_items)

    async def _fetch_pages(
        self,
        ctx: StepContext,
        position: Position,
        sending: Sending,
        since: Since | None,
        asked: dict[str, Any],
    ) -> None:
        assert self.paging is not None, "called for paginated requests"
        result = await fetch_pages(ctx, position, sending, self.paging, asked)
        if isinstance(result, HttpFailure):
            if self.plan.guarded or not _goes_on(position, result):
                ctx.erase(position)
                if sending.request.method in UNSAFE_TO_REPEAT:
                    ctx.calls_anew()
            self._fail(ctx, result)
            return
        ctx.set_response(result.value)
        ctx.count_fetched(result.n_items)
        if since is not None and not result.truncated:
            since.complete_pages(ctx, result)
        elif since is not None:
            ctx.warn(
                "'until' ended the list by its page number while more was there: "
                "the time of the last sync stays as it is"
            )

    def _fail(self, ctx: StepContext, failure: HttpFailure) -> None:
        """A guarded failure is a value; another one is the step's error."""
        if not self.plan.guarded:
            raise failure.to_error()
        headers = Headers(failure.headers)
        meta = ReplyMeta(failure.status, headers, ok=False)
        ctx.set_response(with_reply(dict(failure.value), meta))


def meta_of(reply: HttpReply) -> ReplyMeta:
    """The virtual fields of a reply."""
    headers = reply.headers
    return ReplyMeta(
        reply.status, headers if isinstance(headers, Headers) else Headers(headers), ok=reply.ok
    )


def _goes_on(position: Position, failure: HttpFailure) -> bool:
    """Whether a resume asks for the page that failed, and not for the list from its beginning.

    A page that is refused as such may never come, nor one that failed twice: the service may have
    forgotten the cursor.
    """
    if position.saved is not None and position.cell is position.saved:
        return False
    status = failure.status
    return failure.retryable or status is None or status < FAILURES or status in NOT_LET_IN


def _n_items(value: Any) -> int:
    """How many items a reply brought: those of its list, else none."""
    path = find_items(value)
    items = None if path is None else items_at(value, path)
    return 0 if items is None else len(items)


def _object(values: Mapping[str, Value], name: str) -> dict[str, Value] | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise RunError("type", f"'{name}' must be an object, found {described(value)}")
    return value  # pyright: ignore[reportUnknownVariableType]


# ---------------------------------------------------------------- binding


def bind_fetch(plan: RequestPlan, place: Environment) -> tuple[FetchRunner, Environment]:
    """Bind a request; it binds no names."""
    options = {name: value for name, value in plan.options.items() if name in _EVALUATED}
    retry, delay = (None, None) if plan.retry is None else _without_delay(plan.retry["retry"])
    runner = FetchRunner(
        plan,
        _bind_source(plan, place),
        _bind_path(plan.path, place),
        place.options(options),
        None if retry is None else place.expression(retry),
        None if delay is None else place.expression(delay),
        None if plan.since is None else bind_since(plan.since, place),
        bind_paging(plan, place),
    )
    return runner, place


def _without_delay(retry: Expression) -> tuple[Expression, Expression | None]:
    """A retry block without a `delay` that is computed, and that `delay`."""
    literal = bare(retry)
    if not isinstance(literal, ObjectLiteral):
        return retry, None
    for entry in literal.entries:
        if not isinstance(entry, Entry) or entry.key.text != "delay":
            continue
        value = entry.value
        if isinstance(value, LastSync | NumberLiteral | DurationLiteral | NullLiteral):
            continue
        rest = tuple(one for one in literal.entries if one is not entry)
        return replace(literal, entries=rest), value
    return retry, None


_EVALUATED = frozenset({"params", "headers", "body", "timeout"})


def _bind_source(plan: RequestPlan, place: Environment) -> Callable[[Scope], str]:
    source = plan.source
    known = place.plan.sources
    if isinstance(source, Name) and source.text in known:
        source = source.text
    if source is None:
        default = place.plan.default_source
        if default is None:
            raise RunError("config", "the mission has no source for this request")
        source = default
    if isinstance(source, str):
        name = source
        return lambda _scope: name
    computed = place.expression(source)
    return lambda scope: _named(computed.call(scope, None), frozenset(known))


def _named(value: Value, known: frozenset[str]) -> str:
    if isinstance(value, str) and value in known:
        return str(value)
    raise RunError(
        "config",
        f"'source' gives {described(value)}, which names no source",
        hint=f"sources are: {', '.join(sorted(known))}",
    )


def _bind_path(path: Expression, place: Environment) -> Callable[[Scope], str]:
    if not isinstance(path, StringLiteral):
        computed = place.expression(path)
        return lambda scope: _path_text(computed.call(scope, None))
    parts = path_parts(path.value)
    values = tuple(
        _bind_placeholder(part, path, place) for part in parts if isinstance(part, Placeholder)
    )
    if not values:
        fixed = fill_path(parts, ())
        return lambda _scope: fixed
    return lambda scope: fill_path(parts, [value(scope) for value in values])


def _bind_placeholder(
    placeholder: Placeholder, path: StringLiteral, place: Environment
) -> Callable[[Scope], Value]:
    name = placeholder.names[0]
    variable = placeholder.environment_name
    if variable is not None and not _is_known(name, place):
        return lambda scope: scope.run.env(variable)
    expression: Expression = Name(path.span, name)
    for field in placeholder.names[1:]:
        expression = FieldAccess(path.span, expression, Identifier(path.span, field))
    compiled = place.expression(expression)
    return lambda scope: compiled.call(scope, None)


def _is_known(name: str, place: Environment) -> bool:
    names = place.names
    return name in names.bindings or name in names.lets or name in names.stores


def _path_text(value: Value) -> str:
    if value is None or isinstance(value, dict | list):
        raise RunError("path", f"the path of the request is {described(value)}")
    return text_of(value)
