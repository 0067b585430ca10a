"""Functions that turn a value into one of another kind, or ask the surroundings for one."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from reqon.values.access import is_store
from reqon.values.dates import to_milliseconds
from reqon.values.duration import Duration
from reqon.values.functions.arguments import need_text
from reqon.values.functions.model import Group
from reqon.values.json_form import too_deep
from reqon.values.numbers import Number, as_number
from reqon.values.operators import truthy
from reqon.values.scope import RunFacts
from reqon.values.text import json_text, text_of

CONVERSION = Group()

_FALSE_TEXTS = frozenset({"", "false", "no", "off", "0"})


@CONVERSION.add("toString")
def to_string(value: Any) -> str:
    """The value as concatenation writes it."""
    return text_of(value)


@CONVERSION.add("toNumber")
def to_number(value: Any) -> Number | None:
    """The number that it spells or counts, or null."""
    match value:
        case bool():
            return int(value)
        case datetime():
            return to_milliseconds(value)
        case Duration():
            return value.milliseconds
        case _:
            return as_number(value)


@CONVERSION.add("toBoolean", null_safe=True)
def to_boolean(value: Any) -> bool:
    """False for what is falsy and for the usual texts for "no"."""
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE_TEXTS
    return truthy(value)


@CONVERSION.add("toArray", null_safe=True)
def to_array(value: Any) -> list[Any]:
    """An array as it is, else the value alone in one; null is empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    return value.list() if is_store(value) else [value]


@CONVERSION.add("toJson")
def to_json(value: Any) -> str:
    """Compact JSON text."""
    return json_text(value)


@CONVERSION.add("parseJson")
def parse_json(text: Any) -> Any:
    """The value of a JSON text; null when it is broken or holds NaN or numbers out of range."""
    try:
        return json.loads(
            need_text(text, "parseJson"), parse_float=_finite, parse_constant=_refused
        )
    except ValueError:
        return None
    except RecursionError:
        raise too_deep() from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refused(text: str) -> None:
    raise ValueError(text)


@CONVERSION.add("env", uses_run=True)
def env(run: RunFacts, name: Any, default: Any = None) -> Any:
    """The environment variable's text, else the default."""
    text = run.env(need_text(name, "env"))
    return default if text is None else text


@CONVERSION.add("uuid", uses_run=True)
def uuid(run: RunFacts) -> str:
    """A random UUID."""
    return run.uuid()


@CONVERSION.add("generateId", uses_run=True)
def generate_id(run: RunFacts) -> str:
    """A short unique text."""
    return run.generate_id()


@CONVERSION.add("webhookUrl", uses_run=True)
def webhook_url(run: RunFacts) -> str | None:
    """The URL of the next `wait`."""
    return run.webhook_url()
