"""The one place that talks to services: requests in, replies or failures out.

One session a run, so that connections are used again. Everything that has to be decided is
decided elsewhere and without I/O (`retry.py`, `auth/`, `decode.py`, `failures.py`); this is the
chain of awaits between them. It never raises for what the other side does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias

import aiohttp
from yarl import URL

from reqon.clock import Clock, SystemClock
from reqon.errors import RunError
from reqon.http.auth.base import Auth, AuthReply
from reqon.http.auth.none import NoAuth
from reqon.http.decode import UnreadableBodyError, decode_body, plain_json
from reqon.http.encode import full_url, without_source_headers
from reqon.http.failures import (
    Answer,
    Circumstances,
    NoAnswer,
    answered_failure,
    reason_phrase,
    unanswered_failure,
    unreadable_failure,
)
from reqon.http.messages import (
    SERVER_ERRORS,
    HttpFailure,
    HttpReply,
    HttpRequest,
    RetryNotice,
    http_date,
)
from reqon.http.retry import Again, Attempt, RetryRules, decide, retry_after_ms
from reqon.http.trouble import LONGEST_HEADER, explain_trouble
from reqon.http.urls import resolve, same_origin
from reqon.plan.policies import DEFAULT_TIMEOUT_MS
from reqon.secrets import SecretRegistry
from reqon.values.reply import Headers

MAX_REDIRECTS = 10
MAX_BODY_BYTES = 1 << 30
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_SAID_BY_US = ("Content-Type",)
"""What the library would add by itself: a type for a body that there is not."""
_DEFAULT_HEADERS = {
    "Accept": "application/json, text/plain;q=0.9, */*;q=0.8",
    "User-Agent": "reqon",
}

OnRetry: TypeAlias = Callable[[RetryNotice], Awaitable[None]]
"""Called before the wait that precedes another attempt."""
Pause: TypeAlias = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class SendRules:
    """How one request is sent.

    `timeout_ms` is for one attempt, redirects and the reply's body included; 0 is no limit.
    `delay` gives the next wait in milliseconds where the program computes it; None: as `retry`
    says. `pause` waits so many seconds before another attempt, where it is not to be the client's.
    """

    auth: Auth = field(default_factory=NoAuth)
    timeout_ms: float = DEFAULT_TIMEOUT_MS
    retry: RetryRules = field(default_factory=RetryRules)
    delay: Callable[[], float | None] | None = None
    on_retry: OnRetry | None = None
    pause: Pause | None = None


class BodyTooLargeError(Exception):
    """The reply has more bytes than are read."""


class BrokenConnectionError(aiohttp.ClientError):
    """A connection that broke, as the library's own error (the cause) told it."""


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep the library from sending a GET, PUT or DELETE again by itself.

    It does so on its own two kinds of error; how often something is sent is ours to say.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise BrokenConnectionError from error


class HttpClient:
    """An HTTP client for one run; an async context manager.

    `sleep` takes seconds and `chance` gives numbers from 0 up to 1: tests pass their own. A reply
    with more than `max_body_bytes`, unpacked, is a failure.
    """

    def __init__(
        self,
        secrets: SecretRegistry | None = None,
        *,
        clock: Clock | None = None,
        sleep: Pause = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._secrets = secrets if secrets is not None else SecretRegistry()
        self._clock = clock if clock is not None else SystemClock()
        self._sleep = sleep
        self._chance = chance
        self._max_body_bytes = max_body_bytes
        self._open_session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._open_session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers=_DEFAULT_HEADERS,
            read_bufsize=1 << 18,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            middlewares=(_send_once,),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        session, self._open_session = self._open_session, None
        if session is not None:
            await session.close()

    async def send(
        self, request: HttpRequest, rules: SendRules | None = None
    ) -> HttpReply | HttpFailure:
        """Send until there is a reply below 400, or no further attempt is due.

        Raises nothing for failures of the service or the network; cancellation passes through.
        """
        rules = rules if rules is not None else SendRules()
        started_at = self._clock.now()
        number, unsure = 0, request.unsure
        while True:
            number += 1
            outcome = await self._attempt(request, rules)
            around = Circumstances(self._secrets, started_at, number)
            if isinstance(outcome, Answer) and _is_good(outcome):
                return self._reply(outcome, around)
            if isinstance(outcome, Answer) and unsure and _is_gone(request, outcome):
                return _gone(outcome, around)
            unsure = unsure or _may_have_acted(outcome)
            around, again = self._judge(request, outcome, rules, around)
            if again is None:
                return _failure(outcome, around)
            await self._pause(request, outcome, rules, number, again)

    def _reply(self, answer: Answer, around: Circumstances) -> HttpReply | HttpFailure:
        content_type = answer.headers.get("content-type")
        try:
            body = decode_body(answer.raw, content_type)
        except UnreadableBodyError as broken:
            return unreadable_failure(answer, broken, around)
        return HttpReply(
            answer.request,
            answer.status,
            reason_phrase(answer),
            answer.headers,
            body,
            len(answer.raw),
            around.started_at,
            answer.started_at,
            around.attempts,
            plain_json(answer.raw, content_type),
        )

    def _judge(
        self,
        request: HttpRequest,
        outcome: Answer | NoAnswer,
        rules: SendRules,
        around: Circumstances,
    ) -> tuple[Circumstances, float | None]:
        """What is known of the failed attempt, and the wait before the next one if there is one."""
        answered = isinstance(outcome, Answer)
        wanted = retry_after_ms(outcome.headers, _now(outcome, self._clock)) if answered else None
        attempt = Attempt(
            around.attempts,
            request.method,
            status=outcome.status if answered else None,
            trouble=None if answered else outcome.trouble,
            retry_after_ms=wanted,
            keyed=request.keyed,
            repeats=request.resent or around.attempts > 1,
            unanswered=request.unanswered,
        )
        decision = decide(attempt, rules.retry, self._chance)
        if isinstance(decision, Again):
            delay = rules.delay if wanted is None else None
            computed = None if delay is None else delay()
            return around, decision.wait_ms if computed is None else computed
        return replace(around, too_long=decision.too_long, retry_after_ms=wanted), None

    async def _pause(
        self,
        request: HttpRequest,
        outcome: Answer | NoAnswer,
        rules: SendRules,
        number: int,
        wait_ms: float,
    ) -> None:
        if rules.on_retry is not None:
            reason = self._secrets.redact(_told(outcome))
            await rules.on_retry(RetryNotice(request, number + 1, wait_ms, reason))
        await (rules.pause or self._sleep)(wait_ms / 1000)

    async def _attempt(self, request: HttpRequest, rules: SendRules) -> Answer | NoAnswer:
        """One attempt, with all that the credentials need, within the time allowed."""
        limit = rules.timeout_ms / 1000 if rules.timeout_ms else None
        started_at = self._clock.now()
        try:
            async with asyncio.timeout(limit):
                return await self._flow(request, rules.auth if request.trusted else NoAuth())
        except TimeoutError:
            reason = f"it took longer than {rules.timeout_ms:g} ms"
            hint = "raise 'timeout', or ask for less at once"
            return NoAnswer(request, "timeout", reason, started_at, hint)
        except BodyTooLargeError:
            reason = f"its body is larger than {self._max_body_bytes:,} bytes"
            return NoAnswer(request, "network", reason, started_at, "ask for it in pages")
        except (aiohttp.ClientError, OSError) as error:
            broken = error.__cause__ if isinstance(error, BrokenConnectionError) else error
            trouble, reason, hint = explain_trouble(broken or error, request)
            return NoAnswer(request, trouble, reason, started_at, hint)

    async def _flow(self, request: HttpRequest, auth: Auth) -> Answer:
        """Drive the credentials' flow: its requests out, the replies back in."""
        flow = auth.flow(request)
        current = next(flow)
        while True:
            answer = await self._follow(current)
            try:
                current = flow.send(AuthReply(answer.status, answer.headers, answer.raw))
            except StopIteration:
                return answer

    async def _follow(self, request: HttpRequest) -> Answer:
        """Exchange, and follow redirects as far as they keep what the request means."""
        answer = await self._exchange(request)
        for _ in range(MAX_REDIRECTS):
            target = _redirected(answer)
            if target is None:
                return answer
            answer = await self._exchange(target)
        return replace(answer, circles=_redirected(answer) is not None)

    async def _exchange(self, request: HttpRequest) -> Answer:
        session = self._open_session
        assert session is not None, "the client is used within 'async with'"
        started_at = self._clock.now()
        async with session.request(
            request.method,
            URL(full_url(request), encoded=True),
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            skip_auto_headers=_SAID_BY_US,
        ) as response:
            raw = await _read(response, self._max_body_bytes)
            headers = Headers.of(response.headers.items())
            return Answer(request, response.status, response.reason or "", headers, raw, started_at)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if (response.content_length or 0) > limit:
        raise BodyTooLargeError
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise BodyTooLargeError
        chunks.append(chunk)
    return b"".join(chunks) if len(chunks) != 1 else chunks[0]


def _redirected(answer: Answer) -> HttpRequest | None:
    """The request that a redirect leads to; None where there is none that may be followed.

    A 301 or 302 never turns a request that changes something into a GET: that would look like
    success and lose the body.
    """
    request, location = answer.request, answer.headers.get("location")
    if answer.status not in _REDIRECTS or not location:
        return None
    to_get = answer.status == 303
    if request.method != "GET" and answer.status in {301, 302}:
        return None
    try:
        moved = replace(request, url=resolve(full_url(request), location), params=())
    except RunError:
        return None
    if to_get and request.method != "GET":
        moved = replace(moved, method="GET", body=None, headers=_without_content(request.headers))
    return moved if same_origin(moved.url, request.url) else without_source_headers(moved)


def _without_content(headers: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if not k.lower().startswith("content-")}


def _is_good(answer: Answer) -> bool:
    return answer.status < 400 and answer.status not in _REDIRECTS


def _is_gone(request: HttpRequest, answer: Answer) -> bool:
    """Whether what a repeated DELETE was to delete is not there any more."""
    return request.method == "DELETE" and answer.status in _GONE


def _may_have_acted(outcome: Answer | NoAnswer) -> bool:
    """Whether the service may have done what a failed attempt asked for."""
    if isinstance(outcome, Answer):
        return outcome.status >= SERVER_ERRORS
    return outcome.trouble != "refused"


def _gone(answer: Answer, around: Circumstances) -> HttpReply:
    """The reply to a DELETE whose first attempt has had its effect, as far as one can know."""
    return HttpReply(
        answer.request,
        204,
        "No Content",
        answer.headers,
        {},
        0,
        around.started_at,
        answer.started_at,
        around.attempts,
        gone=True,
    )


def _now(answer: Answer, clock: Clock) -> datetime:
    """The time by the service's own clock, by which it says when to come back."""
    return http_date(answer.headers.get("date")) or clock.now()


def _failure(outcome: Answer | NoAnswer, around: Circumstances) -> HttpFailure:
    if isinstance(outcome, Answer):
        return answered_failure(outcome, around)
    return unanswered_failure(outcome, around)


def _told(outcome: Answer | NoAnswer) -> str:
    if isinstance(outcome, Answer):
        return f"{outcome.status} {reason_phrase(outcome)}"
    return outcome.reason
