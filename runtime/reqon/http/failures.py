"""Failed requests, told so that a person can act: what was sent, what came back, what to do.

From what an attempt came to, this makes the `HttpFailure` with its message and the error value
that a guarded request leaves in `response`. Bodies and URLs pass redaction before any text.
"""

from __future__ import annotations

import http
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from reqon.http.decode import UnreadableBodyError, decode_body, excerpt
from reqon.http.messages import FailureKind, HttpFailure, HttpRequest
from reqon.http.retry import RETRIED_STATUSES, TOO_MANY_REQUESTS, Trouble
from reqon.secrets import SecretRegistry
from reqon.values.reply import Headers

_SEARCHED_BYTES = 1 << 20
_ERROR_TEXTS = {"refused": "network_error", "network": "network_error", "timeout": "timeout"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as it arrived; `request` is the one that was answered, after redirects.

    `circles`: it is one redirect more than are followed.
    """

    request: HttpRequest
    status: int
    reason: str
    headers: Headers
    raw: bytes
    started_at: datetime
    circles: bool = False


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No reply; `reason` says why, such as `the connection was refused`."""

    request: HttpRequest
    trouble: Trouble
    reason: str
    started_at: datetime
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What failures of one request have in common.

    `too_long`: the service wants a longer wait than is allowed. `retry_after_ms` is what it asked.
    """

    secrets: SecretRegistry
    started_at: datetime
    attempts: int = 1
    too_long: bool = False
    retry_after_ms: float | None = None


def answered_failure(answer: Answer, around: Circumstances) -> HttpFailure:
    """The failure of a reply from 400 on, or of a redirect that cannot be followed."""
    limited = around.too_long and answer.status == TOO_MANY_REQUESTS
    phrase = reason_phrase(answer)
    body = _body_or_none(answer)
    shown = _excerpt(answer.raw, around)
    message = f"{_sent(answer.request, around)} answered {answer.status} {phrase}"
    message = f"{message}{_after(around)}{f': {shown}' if shown else ''}"
    kind: FailureKind = "rate_limit" if limited else "http"
    value = _error_value(body, "rate_limit" if limited else phrase, message, answer, around)
    return HttpFailure(
        answer.request,
        kind,
        answer.status,
        answer.headers,
        value,
        around.secrets.redact_value(value),
        message,
        around.started_at,
        hint=_hint(answer, around),
        retryable=answer.status in RETRIED_STATUSES,
        attempts=around.attempts,
    )


def _is_harmless(raw: bytes, around: Circumstances) -> bool:
    """Whether part of a body may be shown, though it may begin or end in the middle of a secret.

    A large body is not searched: it is taken to hold one.
    """
    if len(raw) > _SEARCHED_BYTES:
        return not around.secrets
    body = raw.decode("utf-8", "replace")
    return around.secrets.redact(body) == body


def unreadable_failure(
    answer: Answer, broken: UnreadableBodyError, around: Circumstances
) -> HttpFailure:
    """The failure of a good reply whose body is not what it says it is."""
    promised = "JSON" if broken.kind == "invalid_json" else "text"
    reason = broken.reason if _is_harmless(answer.raw, around) else broken.bare
    message = (
        f"{_sent(answer.request, around)} answered {answer.status} with a body that is no "
        f"{promised}: {reason}"
    )
    value = _error_value(None, broken.error, message, answer, around)
    return HttpFailure(
        answer.request,
        broken.kind,
        answer.status,
        answer.headers,
        value,
        around.secrets.redact_value(value),
        message,
        around.started_at,
        hint="ask the service the same by hand and look at the whole reply; "
        f"its content type is '{answer.headers.get('content-type', '')}'",
        attempts=around.attempts,
    )


def unanswered_failure(none: NoAnswer, around: Circumstances) -> HttpFailure:
    """The failure of a request that got no reply."""
    reason = around.secrets.redact(none.reason)
    message = f"{_sent(none.request, around)} got no reply{_after(around)}: {reason}"
    value: dict[str, Any] = {
        "error": _ERROR_TEXTS[none.trouble],
        "code": None,
        "message": message,
        "headers": Headers(),
    }
    kind: FailureKind = "timeout" if none.trouble == "timeout" else "network"
    return HttpFailure(
        none.request,
        kind,
        None,
        Headers(),
        value,
        around.secrets.redact_value(value),
        message,
        around.started_at,
        hint=none.hint,
        retryable=True,
        attempts=around.attempts,
        arrived=none.trouble != "refused",
    )


def reason_phrase(answer: Answer) -> str:
    """The reply's own reason phrase, or the usual one of its status."""
    if answer.reason:
        return answer.reason
    try:
        return http.HTTPStatus(answer.status).phrase
    except ValueError:
        return "Unknown Status"


def _error_value(
    body: Any, error: str, message: str, answer: Answer, around: Circumstances
) -> dict[str, Any]:
    """The body's fields first; ours only where it has none of that name."""
    own: Mapping[str, Any] = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    added: dict[str, Any] = {
        "error": error,
        "code": answer.status,
        "message": message,
        "headers": answer.headers,
    }
    if around.retry_after_ms is not None:
        seconds = around.retry_after_ms / 1000
        added["retryAfter"] = int(seconds) if seconds.is_integer() else seconds
    return {**own, **{name: value for name, value in added.items() if name not in own}}


def _body_or_none(answer: Answer) -> Any:
    try:
        return decode_body(answer.raw, answer.headers.get("content-type"))
    except UnreadableBodyError:
        return None


def _sent(request: HttpRequest, around: Circumstances) -> str:
    return around.secrets.redact(request.description)


def _after(around: Circumstances) -> str:
    return f" after {around.attempts} attempts" if around.attempts > 1 else ""


def _excerpt(raw: bytes, around: Circumstances) -> str:
    """The first 200 characters, redacted before they are cut, so that no half secret is left."""
    return excerpt(around.secrets.redact(raw[:4000].decode("utf-8", "replace")))


def _hint(answer: Answer, around: Circumstances) -> str | None:
    source = answer.request.source or "the source"
    hint: str | None = None
    match answer.status:
        case 401:
            hint = f"check the credentials of '{source}': --auth, REQON_{source.upper()}_TOKEN"
        case 403:
            hint = f"the credentials of '{source}' do not allow this; check their rights"
        case 404 | 410:
            hint = f"check the path, and the base of '{source}'"
        case 422 if answer.request.keyed:
            hint = "the data was refused; or the idempotency key was used with another body before"
        case 429 if around.too_long:
            hint = "the service asks for a longer pause than is allowed; run again later"
        case 429:
            hint = f"give '{source}' a rateLimit, or the request a retry with longer waits"
        case status if status >= 500 and around.attempts == 1:
            hint = "the service is in trouble; a 'retry' on the request tries again"
        case status if 300 <= status < 400:
            hint = _redirect_hint(answer, around)
        case _:
            pass
    return hint


def _redirect_hint(answer: Answer, around: Circumstances) -> str:
    if answer.circles:
        return "the service sends it on again and again; ask its makers for the right address"
    target = around.secrets.redact(answer.headers.get("location", "").partition("?")[0])
    if not target:
        return "the service sends it on, but not where to"
    return f"the service sends it on to '{target}'; write that address in the program"
