"""What a variable holds after `map`: the result, and behind it the value it replaced.

Reading a field that the result does not have reads the earlier value; everything else
(patterns, comparison, listing, storing, sending) sees the result alone. Only field access and
the journal's encoding look at `previous`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.values.reply import ReplyObject


class Mapped(dict[str, Any]):
    """The own fields of a result; `previous` answers for the others."""

    __slots__ = ("previous",)

    previous: Any


def mapped(own: Mapping[str, Any], previous: Any) -> Mapped:
    """The own fields of a result with what answers for the others.

    No `__init__`: `map` makes one for each record, and the one of `dict` is a good deal faster.
    """
    result = Mapped(own)
    result.previous = previous
    return result


def remap(own: Mapping[str, Any], previous: Any) -> Mapped:
    """The new value of a variable that held `previous`.

    Chains are folded, so that a variable mapped in every turn of a loop does not grow: the
    earlier value of the result is one record, at most with one more value behind it.
    """
    if not isinstance(previous, Mapped):
        return mapped(own, previous)
    earlier = previous.previous
    if isinstance(earlier, Mapped):
        return mapped(own, mapped({**earlier, **previous}, earlier.previous))
    if isinstance(earlier, ReplyObject):
        return mapped(own, ReplyObject({**earlier, **previous}, earlier.meta))
    if isinstance(earlier, dict):
        return mapped(own, {**earlier, **previous})
    return mapped(own, previous)
