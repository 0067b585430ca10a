"""All pages of a list: asked for one after another, each committed, then put together.

The state machine is `reqon.http.paging`; here are its sends, the program's `until`, and what a
resume needs: the pages as they arrived and where the list goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from reqon.clock import format_instant
from reqon.errors import ReqonError, RunError
from reqon.events.model import PageFetched
from reqon.http.encode import Target, full_url, page_request
from reqon.http.messages import REDIRECTS, HttpFailure, HttpReply
from reqon.http.paging.base import PageFacts
from reqon.http.paging.merge import ItemPath, PageMerge
from reqon.http.paging.progress import Paging
from reqon.journal.unit import Barrier
from reqon.plan.model import PaginatePlan, RequestPlan
from reqon.plan.options import bare, field_path
from reqon.plan.policies import PagingPolicy
from reqon.steps.asked import BoundAsked, bind_asked
from reqon.steps.base import Environment, Sending, StepContext
from reqon.steps.bound import Slot
from reqon.steps.options import BoundOptions, paging_policy
from reqon.steps.positions import Position
from reqon.values.compile import Compiled
from reqon.values.dates import parse_iso
from reqon.values.operators import truthy
from reqon.values.reply import Headers, ReplyMeta, with_reply
from reqon.values.scope import RESPONSE_SLOT, Scope, Value
from vague.ast.base import Identifier
from vague.ast.expressions import (
    Binary,
    Call,
    ContextField,
    Expression,
    FieldAccess,
    IndexAccess,
    Name,
    StringLiteral,
    Unary,
)
from vague.hashes import node_hash
from vague.parser import parse_expression

ASKED = "q"
"""Beside the cell of a list: what it was asked with."""
MOST_WAITING = 32
"""So many pages may be fetched before the commit of an earlier one is through."""
ENOUGH = 16
"""So many pages are committed as soon as that is possible."""
APART = 0.02
"""Seconds from one commit to the next; a page that comes sooner waits for others until then."""


@dataclass(frozen=True, slots=True)
class BoundUntil:
    """`until` with the slots of `page`, `hasMore` and the parameter."""

    condition: Compiled
    page: Slot
    has_more: Slot
    parameter: Slot | None
    by_number: bool


@dataclass(frozen=True, slots=True)
class BoundPaging:
    """A pagination; the policy is made of the evaluated options each time.

    `of` is the same for the same list: it tells whether pages that were kept belong to it.
    """

    kind: str
    options: BoundOptions
    items: ItemPath | None
    cursor: Callable[[Scope, Value], Value] | None
    until: BoundUntil | None
    asked: BoundAsked
    of: str

    def policy(self, scope: Scope) -> PagingPolicy:
        """The policy of this run of the step."""
        return paging_policy(self.kind, self.options.evaluate(scope), self.items)


@dataclass(frozen=True, slots=True)
class PagedResult:
    """The whole list. `truncated`: it ended by page number while there was more.

    `ok`: its pages came with a 2xx; a first page may be another reply, such as a 304.
    """

    value: Value
    n_items: int
    started_at: datetime
    date: datetime | None
    truncated: bool
    ok: bool


@dataclass(slots=True)
class _Fetching:
    """What is known while pages arrive. `asked` is to be kept with the first of them."""

    paging: Paging
    merge: PageMerge
    asked: dict[str, Any] | None = None
    started_at: datetime | None = None
    date: datetime | None = None
    meta: ReplyMeta | None = None
    truncated: bool = False
    unlisted: bool = False


class PageCommits:
    """Commits pages while the next ones are fetched, those that come close together at once.

    An async context manager. Nothing but reading goes on meanwhile, so that a run that dies
    fetches the same pages again.
    """

    def __init__(self, ctx: StepContext) -> None:
        self._ctx = ctx
        self._group = asyncio.TaskGroup()
        self._running: asyncio.Task[None] | None = None
        self._begun_at = 0.0
        self._hurry = asyncio.Event()
        self._waiting = 0
        self._fetching: ReqonError | None = None
        self._failed: ReqonError | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._group.__aexit__(kind, error, trace)
        if self._running is not None and self._running.cancelled():
            raise asyncio.CancelledError("a commit of pages was cancelled")
        found = self._failed or self._fetching
        if found is not None:
            raise found

    async def collect(self, work: Awaitable[HttpFailure | None]) -> HttpFailure | None:
        """Await the fetching, then the commits; an error of either comes out behind the group."""
        try:
            return await work
        except ReqonError as error:
            self._fetching = error
            return None
        finally:
            await self._settle()

    async def commit_behind(self) -> None:
        """A page is ready: it is committed as soon as the commits before it are through."""
        self._waiting += 1
        if self._waiting >= ENOUGH:
            self._hurry.set()
        if self._running is not None and not self._running.done():
            if self._waiting < MOST_WAITING:
                return
            await asyncio.wait({self._running})
        if self._failed is not None:
            raise self._failed
        if self._waiting:
            self._running = self._group.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        """Commit, but not sooner after the commit before than `APART`: fast pages share one."""
        loop = asyncio.get_running_loop()
        early = self._begun_at + APART - loop.time()
        if early > 0 and not self._hurry.is_set():
            timer = loop.call_later(early, self._hurry.set)
            await self._hurry.wait()
            timer.cancel()
        self._begun_at = loop.time()
        await self._commit()

    async def _commit(self) -> None:
        self._waiting = 0
        self._hurry.clear()
        try:
            await self._ctx.commit("page", Barrier.SYNC)
        except ReqonError as error:
            self._failed = self._failed or error

    async def _settle(self) -> None:
        self._hurry.set()
        if self._running is not None:
            await asyncio.wait({self._running})
        if self._waiting and self._failed is None:
            await self._commit()


async def fetch_pages(
    ctx: StepContext,
    position: Position,
    sending: Sending,
    bound: BoundPaging,
    asked: dict[str, Any],
) -> PagedResult | HttpFailure:
    """Fetch from the first page, or from the one behind those that are kept.

    `asked` is what of the request later pages must not evaluate again.
    """
    fetching = _begin(ctx, position, bound, asked)
    async with PageCommits(ctx) as commits:
        work = _fetch_rest(ctx, position, sending, bound, fetching, commits)
        failure = await commits.collect(work)
    return failure or _finish(ctx, position, fetching)


async def _fetch_rest(
    ctx: StepContext,
    position: Position,
    sending: Sending,
    bound: BoundPaging,
    fetching: _Fetching,
    commits: PageCommits,
) -> HttpFailure | None:
    """Fetch the pages that are missing, each committed while the next one is on its way."""
    source, paging = sending.source, fetching.paging
    target = Target(source.name, source.base, source.headers)
    if position.saved is not None and not paging.done and sending.request.method == "GET":
        await _compare_last(ctx, sending, target, fetching, position)
    while not paging.done:
        ask = paging.ask
        request = page_request(sending.request, target, ask)
        reply = await ctx.send(sending.of_page(request, paging.pages + 1))
        if isinstance(reply, HttpFailure):
            return reply
        if paging.pages and reply.status >= REDIRECTS:
            raise _no_page(paging.pages + 1, reply)
        _take(ctx, fetching, bound, reply, ask.value)
        _keep(ctx, position, fetching, reply, bound.of)
        if ctx.dry_run:
            paging.finish()
            break
        ctx.emit_later(PageFetched(ctx.action_name, paging.pages, paging.items))
        await commits.commit_behind()
    return None


def _no_page(number: int, reply: HttpReply) -> RunError:
    """A reply such as a 304 is no page: the list would look as if it ended there."""
    return RunError(
        "pagination",
        f"page {number} of the list was answered with {reply.status} {reply.reason}",
        code=reply.status,
        details={"page": number},
        hint="see why the service sends no page there; a header such as 'If-None-Match' may ask "
        "for that",
    )


def _begin(
    ctx: StepContext, position: Position, bound: BoundPaging, asked: dict[str, Any]
) -> _Fetching:
    policy, saved = bound.policy(ctx.scope), position.saved
    until = bound.until is not None
    if saved is None:
        return _Fetching(Paging(policy, until=until), PageMerge(policy.items), asked)
    merge = PageMerge(policy.items)
    for number in range(1, saved["paging"]["pages"] + 1):
        merge.add(ctx.kept_page(position, number))
    return _Fetching(
        Paging(policy, saved["paging"], until=until),
        merge,
        None,
        parse_iso(saved["started"]),
        None if saved["date"] is None else parse_iso(saved["date"]),
        ctx.kept_meta(saved["meta"]),
        saved["truncated"],
    )


def _take(
    ctx: StepContext, fetching: _Fetching, bound: BoundPaging, reply: HttpReply, sent: Any
) -> None:
    """Count the page and decide whether it is the last."""
    n_items = fetching.merge.add(reply.body)
    if fetching.started_at is None:
        fetching.started_at, fetching.date = reply.started_at, reply.date
    headers = reply.headers
    fetching.meta = ReplyMeta(
        reply.status, headers if isinstance(headers, Headers) else Headers(headers), ok=reply.ok
    )
    cursor = None if bound.cursor is None else bound.cursor(ctx.scope, reply.body)
    facts = PageFacts(n_items, reply.headers, cursor, full_url(reply.request))
    paging = fetching.paging
    has_more = paging.receive(facts)
    if bound.until is not None and _is_last(ctx, bound.until, fetching, reply, sent, has_more):
        fetching.truncated = has_more and bound.until.by_number
        paging.finish()
    else:
        paging.advance()


def _is_last(
    ctx: StepContext,
    until: BoundUntil,
    fetching: _Fetching,
    reply: HttpReply,
    sent: Any,
    has_more: bool,  # noqa: FBT001 - a value that the program sees
) -> bool:
    slots = ctx.slots
    before = slots[RESPONSE_SLOT]
    if until.parameter is not None:
        slots[until.parameter.name] = sent
    slots[until.page.name] = fetching.paging.pages
    slots[until.has_more.name] = has_more
    assert fetching.meta is not None, "set when the page was taken"
    body = slots[RESPONSE_SLOT] = with_reply(reply.body, fetching.meta)
    try:
        return truthy(until.condition.call(ctx.scope, body))
    finally:
        slots[RESPONSE_SLOT] = before


def _keep(
    ctx: StepContext, position: Position, fetching: _Fetching, reply: HttpReply, of: str
) -> None:
    """Hand the page and the place behind it to the unit."""
    paging = fetching.paging
    assert fetching.started_at is not None, "set when the page was taken"
    assert fetching.meta is not None, "set when the page was taken"
    ctx.keep_page(position, paging.pages, reply.body, reply.json)
    ctx.show_pages(paging.progress(), paging.items)
    if fetching.asked:
        position.keep_value(ASKED, fetching.asked)
        fetching.asked = None
    position.keep(
        {
            "paging": paging.state(),
            "started": format_instant(fetching.started_at),
            "date": None if fetching.date is None else format_instant(fetching.date),
            "meta": ctx.meta_to_keep(fetching.meta),
            "truncated": fetching.truncated,
            "of": of,
        }
    )


async def _compare_last(
    ctx: StepContext,
    sending: Sending,
    target: Target,
    fetching: _Fetching,
    position: Position,
) -> None:
    """Page numbers and offsets shift when records come or go: look whether they have."""
    ask = fetching.paging.last_ask()
    if ask is None:
        return
    number = fetching.paging.pages
    reply = await ctx.send(sending.of_page(page_request(sending.request, target, ask), number))
    if isinstance(reply, HttpReply) and reply.body != ctx.kept_page(position, number):
        ctx.warn(
            f"page {number} is not what it was before the interruption: records may have moved "
            "to other pages; the page kept earlier is used"
        )


def _finish(ctx: StepContext, position: Position, fetching: _Fetching) -> PagedResult:
    merge, paging = fetching.merge, fetching.paging
    assert fetching.started_at is not None, "at least one page arrived"
    assert fetching.meta is not None, "at least one page arrived"
    if not merge.complete:
        ctx.warn("the pages hold no list of items: only the last page is kept")
    value = with_reply(merge.result(), fetching.meta)
    ctx.keep_pages(position, value, paging.pages, merge.path, fetching.meta)
    started_at, date = fetching.started_at, fetching.date
    ok = fetching.meta.ok
    return PagedResult(value, paging.items, started_at, date, fetching.truncated, ok)


# ---------------------------------------------------------------- binding


def bind_paging(plan: RequestPlan, place: Environment) -> BoundPaging | None:
    """Bind `paginate` and `until`."""
    paginate = plan.paginate
    if paginate is None:
        return None
    options = dict(paginate.options)
    cursor = options.pop("cursorPath", None)
    items = options.pop("items", None)
    path = paginate.items if items is None else _item_path(items)
    until = None if plan.until is None else _bind_until(plan, plan.until, place)
    return BoundPaging(
        paginate.kind,
        place.options(options),
        path,
        None if cursor is None else _bind_path(cursor, place),
        until,
        bind_asked(plan, place),
        _list_hash(plan, paginate),
    )


def _list_hash(plan: RequestPlan, paginate: PaginatePlan) -> str:
    """A hash of what decides which pages there are, but for how long one waits for them."""
    options = {**paginate.options, "path": plan.path}
    options |= {name: plan.options[name] for name in ("params", "body") if name in plan.options}
    if plan.until is not None:
        options["until"] = plan.until
    facts = [f"{name} {node_hash(options[name])}" for name in sorted(options)]
    text = "\n".join([plan.method, paginate.kind, *facts])
    return sha256(text.encode()).hexdigest()[:12]


def _bind_until(plan: RequestPlan, until: Expression, place: Environment) -> BoundUntil:
    assert plan.paginate is not None, "'until' without it is left out of the plan"
    parameter = plan.paginate.options.get("param")
    name = parameter.value if isinstance(parameter, StringLiteral) else plan.paginate.kind
    inner, sent = place, None
    if name != "page":
        inner, sent = inner.bind(name)
    inner, page = inner.bind("page")
    inner, has_more = inner.bind("hasMore")
    return BoundUntil(inner.expression_of(until), page, has_more, sent, plan.counts_pages)


def _bind_path(path: Expression, place: Environment) -> Callable[[Scope, Value], Value]:
    """A path into a page: an expression in which a leading name is a field of the body."""
    expression: Expression | None = path
    if isinstance(path, StringLiteral):
        expression, _ = parse_expression(path.value)
    compiled = place.expression_of(path if expression is None else of_body(expression))
    return compiled.call


def of_body(expression: Expression) -> Expression:
    """The expression with its leading names as fields of the page."""
    plain = bare(expression)
    match plain:
        case Name(span=span, text=text):
            plain = ContextField(span, Identifier(span, text))
        case FieldAccess(target=target):
            plain = replace(plain, target=of_body(target))
        case IndexAccess(target=target, index=index):
            plain = replace(plain, target=of_body(target), index=of_body(index))
        case Call(arguments=arguments):
            plain = replace(plain, arguments=tuple(of_body(one) for one in arguments))
        case Unary(operand=operand):
            plain = replace(plain, operand=of_body(operand))
        case Binary(left=left, right=right):
            plain = replace(plain, left=of_body(left), right=of_body(right))
        case _:
            pass
    return plain


def _item_path(items: Expression) -> ItemPath | None:
    if isinstance(items, StringLiteral):
        return tuple(items.value.removeprefix(".").split("."))
    return field_path(items) or field_path(items, "response")
