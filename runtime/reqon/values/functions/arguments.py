"""Arguments of functions as Python wants them, or an error that names the function."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from reqon.errors import RunError
from reqon.values.dates import from_epoch, parse_date
from reqon.values.numbers import is_number, need_number, parse_number
from reqon.values.scope import RunFacts
from reqon.values.show import described, show
from reqon.values.text import text_of


def need_text(value: Any, function: str) -> str:
    """A text; other scalars become one. Raises `RunError` (function) for arrays and objects."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict | list) or callable(value):
        raise RunError("function", f"'{function}' needs a string, got {described(value)}")
    return text_of(value)


def need_object(value: Any, function: str) -> dict[str, Any]:
    """An object. Raises `RunError` (function) for all else."""
    if isinstance(value, dict):
        return value
    raise RunError("function", f"'{function}' needs an object, got {described(value)}")


def need_whole(value: Any, function: str, what: str) -> int:
    """A whole number; `what` names it in the error. Raises `RunError` (function)."""
    number = need_number(value, function)
    if number is None or number != int(number):
        raise RunError(
            "function", f"'{function}' needs a whole number as {what}, got {described(value)}"
        )
    return int(number)


def need_date(run: RunFacts, value: Any, function: str) -> datetime | None:
    """A date from a date, a text or an epoch number; unreadable ones are null, with a warning."""
    if isinstance(value, datetime) or value is None:
        return value
    if isinstance(value, str):
        number = parse_number(value)
        instant = parse_date(value) if number is None else from_epoch(number)
    elif is_number(value):
        instant = from_epoch(value)
    else:
        raise RunError("function", f"'{function}' needs a date, got {described(value)}")
    if instant is None:
        run.warn(f"'{function}' cannot read {show(value)} as a date: the result is null")
    return instant
