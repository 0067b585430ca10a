"""Requests of a branch: sent, recorded where they change something, and told.

A POST, PATCH or DELETE is recorded before it is sent and when it was answered, so that a run that
died in between neither sends it twice under another key nor forgets what was answered. Before a PUT
it is kept what led to it: read again, that could say what the PUT has made of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from reqon.clock import format_instant
from reqon.engine.foresight import request_text
from reqon.engine.stops import UNSAFE_GRACE_SECONDS
from reqon.errors import RunError
from reqon.events.model import RetryScheduled
from reqon.http.auth.base import Auth
from reqon.http.auth.registry import make_auth
from reqon.http.client import SendRules
from reqon.http.encode import with_idempotency_key
from reqon.http.idempotency import CallPlace, idempotency_key
from reqon.http.messages import (
    FAILURES,
    SAFE_METHODS,
    SERVER_ERRORS,
    UNSAFE_TO_REPEAT,
    HttpFailure,
    HttpReply,
    HttpRequest,
    RetryNotice,
    bare_url,
)
from reqon.http.retry import RetryRules
from reqon.journal.run_state import RecordedCall
from reqon.journal.unit import Barrier
from reqon.secrets import Secret
from reqon.steps.base import Sending
from reqon.values.reply import Headers

if TYPE_CHECKING:
    from reqon.engine.context import Branch

TOKEN_FIELDS = ("access_token", "accessToken", "token")
_WAIT = "w"
"""Beside the cell of a request: until when it waits, for how long, and before which attempt."""
LONG_WAIT_MS = 1000
"""A longer wait ends the unit of work first, and is kept."""
_RECORDED = UNSAFE_TO_REPEAT | {"DELETE"}
MAY_HAVE_ACTED = frozenset({408, 409, 425, 429})
"""Refusals after which the same request is to come again."""
_OTHER_BODY = 422
"""What a service answers to a key that came with another body (IETF draft, 2.7)."""
_GONE = (
    "what was to be deleted is not there: the request was sent before, and its answer was lost, so "
    "it counts as done"
)


async def send(branch: Branch, sending: Sending) -> HttpReply | HttpFailure:
    """Send a request, or answer from what is recorded of it."""
    run = branch.run
    branch.frame.last_source = sending.source.name
    if run.dry_run:
        return _not_sent(branch, sending)
    if not _is_recorded(sending):
        if sending.request.method not in SAFE_METHODS:
            await branch.commit_what_led_here(Barrier.SYNC)
        return await _exchange(branch, sending, sending.request)
    return await _recorded_exchange(branch, sending)


def _is_recorded(sending: Sending) -> bool:
    method = sending.request.method
    return method in _RECORDED or sending.source.idempotency.covers(method)


async def _exchange(
    branch: Branch, sending: Sending, request: HttpRequest
) -> HttpReply | HttpFailure:
    run = branch.run
    rules = SendRules(
        auth=run.sources.auth(sending.source.name),
        timeout_ms=sending.timeout_ms,
        retry=RetryRules(sending.retry, sending.scope),
        delay=sending.delay,
        on_retry=_on_retry(branch),
        pause=branch.stop.sleep,
    )
    await _wait_for_the_rest(branch)
    grace = 0 if request.method in SAFE_METHODS else UNSAFE_GRACE_SECONDS
    return await branch.stop.limit(run.client.send(request, rules), grace)


def _on_retry(branch: Branch) -> Any:
    async def tell(notice: RetryNotice) -> None:
        _keep_wait(branch, notice)
        await branch.before_wait(notice.wait_ms, notice.attempt, notice.reason)

    return tell


def _keep_wait(branch: Branch, notice: RetryNotice) -> None:
    """Note with the commit in front of a long wait until when it lasts."""
    wait_ms = notice.wait_ms
    if wait_ms > LONG_WAIT_MS and branch.run.keeps_state:
        position = branch.stack[-1]
        position.note_written()
        until_ms = branch.run.clock.now().timestamp() * 1000 + wait_ms
        branch.unit.cell(f"{position.address}/{_WAIT}", [until_ms, wait_ms, notice.attempt])


async def _wait_for_the_rest(branch: Branch) -> None:
    """Where an earlier process was waiting before it sent this request again, end its wait."""
    if not branch.resumes:
        return
    kept = branch.run.resume.take(f"{branch.stack[-1].address}/{_WAIT}")
    if kept is None:
        return
    until_ms, longest_ms, attempt = kept
    wait_ms = min(until_ms - branch.run.clock.now().timestamp() * 1000, longest_ms)
    if wait_ms > 0:
        action, step = branch.action_name, branch.site.text
        reason = "it was interrupted while it waited"
        branch.emit(RetryScheduled(action, step, attempt, round(wait_ms), reason))
        await branch.stop.sleep(wait_ms / 1000)


# ---------------------------------------------------------------- requests that change something


async def _recorded_exchange(branch: Branch, sending: Sending) -> HttpReply | HttpFailure:
    unit, position = branch.unit, branch.place()
    request, key, recorded = _recorded(branch, sending)
    if recorded is not None:
        known = _known(request, recorded) or _left_out(branch, request, recorded)
        if known is not None:
            unit.settle(recorded)
            branch.answered()
            return known
        request = _as_recorded(request, recorded)
    call = recorded
    if call is None:
        await branch.commit_what_led_here()
        scope = branch.call_scope().address
        facts = _facts(request)
        call = await unit.intent(position, key, _body_text(request), facts, scope)
    branch.run.sent.add(key)
    reply = await _exchange(branch, sending, request)
    if _is_other_body(branch, request, reply):
        return await _instead(branch, sending, call)
    if recorded is not None and isinstance(reply, HttpReply):
        reply = replace(reply, started_at=_sent_at(recorded))
    if _token_in(branch, reply) is None:
        await _record(branch, call, reply)
    if isinstance(reply, HttpReply):
        unit.settle(call)
        branch.answered()
        if reply.gone:
            branch.warn(_GONE)
    elif _is_kept(request, reply, sending):
        branch.note_unanswered()
    else:
        unit.settle(call)
    return reply


def _is_kept(request: HttpRequest, failure: HttpFailure, sending: Sending) -> bool:
    """Whether a call that failed is the same one when it is sent again."""
    return request.keyed or request.method == "DELETE" or _may_have_acted(failure, sending)


def _recorded(branch: Branch, sending: Sending) -> tuple[HttpRequest, str, RecordedCall | None]:
    """The request with its key, and what is recorded of it.

    A call that failed and may have had its effect is the same call when it is sent again. One
    that was refused is another call as soon as it says something else, and each that goes to
    another address is: what one item's request said is not for the next one.
    """
    while True:
        key = idempotency_key(_call_place(branch, sending))
        request, source = sending.request, sending.source
        if source.idempotency.covers(request.method):
            request = with_idempotency_key(request, source.idempotency.header, key)
        recorded = branch.unit.recorded(branch.place(), key)
        if recorded is None or not (
            _says_something_else(branch, request, recorded)
            or _goes_elsewhere(branch, request, recorded)
        ):
            return request, key, recorded
        branch.unit.settle(recorded)
        branch.calls_anew()


def _call_place(branch: Branch, sending: Sending) -> CallPlace:
    return CallPlace(
        branch.run.session.execution_id,
        branch.run.run_pass,
        sending.source.name,
        sending.request.method,
        branch.place(),
        sending.page,
        branch.answers(),
    )


def _says_something_else(branch: Branch, request: HttpRequest, recorded: RecordedCall) -> bool:
    status = recorded.status
    refused = status is not None and recorded.failed and status < SERVER_ERRORS
    if not refused or status in MAY_HAVE_ACTED:
        return False
    is_older = recorded.key not in branch.run.sent
    return recorded.body != _body_text(request) or (is_older and _holds_secret(branch, request))


def _holds_secret(branch: Branch, request: HttpRequest) -> bool:
    """Whether a secret is in the body: what an earlier process sent may have been another one.

    What is recorded names secrets, and does not tell their values.
    """
    text = _body_text(request)
    return text is not None and branch.run.secrets.hide(text) != text


def _goes_elsewhere(branch: Branch, request: HttpRequest, recorded: RecordedCall) -> bool:
    """Whether a call that is known to have failed went to another path; hosts may move."""
    url: str | None = recorded.facts.get("url")
    has_failed = recorded.failed or recorded.key in branch.run.sent
    return has_failed and url is not None and urlsplit(url).path != urlsplit(request.url).path


def _known(request: HttpRequest, recorded: RecordedCall) -> HttpReply | None:
    """The reply that an earlier process had, if it was one to go on with."""
    if recorded.status is None or not recorded.usable:
        return None
    kept: Mapping[str, Any] = recorded.reply
    at, headers = _sent_at(recorded), Headers.restored(kept["headers"])
    return HttpReply(request, recorded.status, kept["reason"], headers, kept["body"], 0, at, at)


def _sent_at(recorded: RecordedCall) -> datetime:
    """When a call was sent first: what the service answers to its key may be as old as that."""
    return datetime.fromtimestamp(recorded.at_ms / 1000, UTC)


def _may_have_acted(failure: HttpFailure, sending: Sending) -> bool:
    """Whether the service may have done what a request without a key asked for."""
    if failure.status is not None:
        return failure.status < FAILURES
    return failure.arrived or (failure.attempts > 1 and sending.scope == "request")


def _left_out(branch: Branch, request: HttpRequest, recorded: RecordedCall) -> HttpReply | None:
    """An empty reply in the place of one that is not known and must not be asked for again.

    That is where an earlier attempt sent it and the service may have forgotten the key, or never
    had one, and the caller of the run said to go on without. Raises RunError where the caller said
    nothing.
    """
    if request.method not in UNSAFE_TO_REPEAT:
        return None
    run, now = branch.run, branch.run.clock.now()
    unsure = recorded.expired(int(now.timestamp() * 1000)) or not request.keyed
    if recorded.failed or not unsure or recorded.key in run.sent or run.unknown == "resend":
        return None
    return _unknown(branch, request, recorded, "its answer is not known")


def _unknown(branch: Branch, request: HttpRequest, recorded: RecordedCall, why: str) -> HttpReply:
    """An empty reply where the caller of the run said so; else RunError. It shows in the record."""
    run, now = branch.run, branch.run.clock.now()
    if not any(effect.get("key") == recorded.key for effect in run.session.state.unknown):
        effect = {"position": recorded.position, "key": recorded.key, "at": format_instant(now)}
        branch.unit.unknown_effect({**effect, **_facts(request)})
    if run.unknown == "skip":
        return HttpReply(request, 0, "unknown", Headers(), {}, 0, now, now)
    raise RunError(
        "network",
        f"{request.description} was sent before and {why}",
        hint="look whether it had its effect; '--unknown resend' sends it again, "
        "'--unknown skip' goes on without it",
    )


def _is_other_body(branch: Branch, request: HttpRequest, reply: HttpReply | HttpFailure) -> bool:
    """Whether the service knows the key of an unanswered request, and with another body.

    That comes of a secret in it that has changed since.
    """
    is_refused = isinstance(reply, HttpFailure) and reply.status == _OTHER_BODY
    return is_refused and request.unanswered and request.keyed and _holds_secret(branch, request)


async def _instead(
    branch: Branch, sending: Sending, recorded: RecordedCall
) -> HttpReply | HttpFailure:
    """In the place of a request whose body cannot be had again: what the caller of the run said."""
    if branch.run.unknown == "resend":
        branch.unit.settle(recorded)
        branch.calls_anew()
        return await _recorded_exchange(branch, sending)
    why = "is refused with 422 now: a secret in its body may have changed since"
    reply = _unknown(branch, sending.request, recorded, why)
    branch.unit.settle(recorded)
    branch.answered()
    return reply


def _as_recorded(request: HttpRequest, recorded: RecordedCall) -> HttpRequest:
    """The same request once more, with the very bytes that were sent."""
    body = None if recorded.body is None else str(recorded.body).encode("utf-8", "surrogateescape")
    status = recorded.status
    unsure = status is None or not FAILURES <= status < SERVER_ERRORS
    return replace(request, body=body, resent=True, unanswered=status is None, unsure=unsure)


async def _record(branch: Branch, call: RecordedCall, reply: HttpReply | HttpFailure) -> None:
    if isinstance(reply, HttpReply):
        headers = Headers(reply.headers).kept()
        kept = {"body": reply.body, "headers": headers, "reason": reply.reason}
        await branch.unit.result(call, reply.status, kept)
    elif reply.status is not None:
        await branch.unit.result(call, reply.status, None)


def _body_text(request: HttpRequest) -> str | None:
    return None if request.body is None else request.body.decode("utf-8", "surrogateescape")


def _facts(request: HttpRequest) -> dict[str, Any]:
    return {
        "source": request.source,
        "method": request.method,
        "url": bare_url(request.url),
    }


def _not_sent(branch: Branch, sending: Sending) -> HttpReply:
    """What a dry run gets: an empty record."""
    now = branch.run.clock.now()
    branch.run.unanswered = True
    branch.foresee(request_text(sending, branch.run.secrets))
    return HttpReply(sending.request, 200, "OK", Headers(), {}, 0, now, now)


# ---------------------------------------------------------------- credentials from replies


def take_credentials(branch: Branch, reply: HttpReply) -> None:
    """In an action entered by `jump`: a token in the reply becomes the source's credential."""
    source, token = branch.frame.jumped_from, _token_in(branch, reply)
    if source is None or token is None:
        return
    body = cast("Mapping[str, Any]", reply.body)
    name = f"{source}.token"
    branch.run.secrets.add(name, token)
    for field in ("refresh_token", "refreshToken"):
        refresh = body.get(field)
        if isinstance(refresh, str):
            branch.run.secrets.add(f"{source}.refreshToken", refresh)
    branch.run.sources.replace_auth(source, _bearer(source, Secret(name, token)))
    branch.regions[0].volatile = True


def _token_in(branch: Branch, reply: HttpReply | HttpFailure) -> str | None:
    """The token that a reply brings for the source that an action was entered by `jump` for.

    Such a reply is never written: after a resume the action begins at its first step.
    """
    if branch.frame.jumped_from is None or not isinstance(reply, HttpReply):
        return None
    if not isinstance(reply.body, dict):
        return None
    body = cast("Mapping[str, Any]", reply.body)
    return next((body[f] for f in TOKEN_FIELDS if isinstance(body.get(f), str) and body[f]), None)


def _bearer(source: str, token: Secret) -> Auth:
    return make_auth("bearer", source, {"token": token})


def chance() -> float:
    """A number from 0 up to 1, for the jitter of waits."""
    return random.random()  # noqa: S311 - spreads waits, protects nothing
