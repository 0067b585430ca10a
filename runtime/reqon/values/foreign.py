"""Values and errors of Python code that plug-ins bring, at the border to the language.

What comes over is a value of the language in all its parts, so that nothing behind the border has
to expect anything else; whatever the code raises is a run-time error of the step that called it.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from reqon.errors import ReqonError, RunError
from reqon.values.dates import normalized
from reqon.values.duration import Duration
from reqon.values.json_form import MAX_DEPTH, PLAIN, too_deep
from reqon.values.mapped import Mapped
from reqon.values.reply import REPLY_TYPES, ReplyScalar

_OWN = (*REPLY_TYPES, ReplyScalar, Mapped, Duration)
"""What only the language makes: data that carries more, such as a reply, and durations."""
_HINT = "it may give None, bool, int, float, str, datetime, and lists and dicts of them"


@contextmanager
def errors_of(giver: str, kind: str = "function") -> Generator[None]:
    """Turn what code of `giver` raises into a `RunError` of `kind`; Reqon's own errors pass."""
    try:
        yield
    except ReqonError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise RunError(kind, f"{giver} failed: {reason}") from error


def taken_over(value: Any, giver: str) -> Any:
    """What `giver` gives, as a value of the language; lists and dicts are copied.

    Dates become UTC, cut to milliseconds; those without a zone are taken to be UTC. Raises
    `RunError` (function) for what is no such value, at any depth.
    """
    return _taken(value, giver, MAX_DEPTH)


def _taken(value: Any, giver: str, depth: int) -> Any:
    if depth < 0:
        raise too_deep()
    if type(value) in PLAIN or isinstance(value, _OWN):
        return value
    match value:
        case dict():
            return {_key(key, giver): _taken(v, giver, depth - 1) for key, v in value.items()}
        case list():
            return [_taken(item, giver, depth - 1) for item in value]
        case datetime():
            return _date(value, giver)
        case str() | int():
            return str(value) if isinstance(value, str) else int(value)
        case float() if math.isfinite(value):
            return float(value)
        case float():
            raise _refused(f"the number {value!r}", giver)
        case _:
            raise _refused(f"a Python '{type(value).__name__}'", giver)


def _key(key: Any, giver: str) -> str:
    if not isinstance(key, str):
        raise _refused(f"an object with a Python '{type(key).__name__}' as a key", giver)
    return str(key)


def _date(value: datetime, giver: str) -> datetime:
    try:
        return normalized(value)
    except OverflowError:
        raise _refused("a date outside of the years 1 to 9999", giver) from None


def _refused(what: str, giver: str) -> RunError:
    return RunError("function", f"{giver} gives {what}, which no mission can use", hint=_HINT)
