"""What a list asks for is settled with its first page: later pages ask for the same.

A resume in the middle of a list evaluates the options again. What may then be another value, such
as `now()` or what a store holds, is kept with the pages and taken from there. What the program
takes from `env()` is not kept: a setting that was corrected counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from reqon.plan.model import RequestPlan
from reqon.plan.options import bare, calls_env
from reqon.steps.base import Environment
from reqon.values.scope import Value
from vague.ast.expressions import (
    Call,
    Entry,
    Expression,
    MethodCall,
    Name,
    ObjectLiteral,
    OptionValue,
    Pipe,
)
from vague.ast.walk import walk

_PARTS = ("path", "params", "body")


@dataclass(frozen=True, slots=True)
class Moving:
    """Which values of a part another evaluation may change: itself, or those of some names."""

    whole: bool
    names: frozenset[str] = frozenset()

    def pick(self, value: Value) -> Any:
        """What is to be kept of the part, in a form that `restored` reads."""
        if self.whole or not isinstance(value, dict):
            return value
        entries = cast("dict[str, Any]", value)
        return {name: entries[name] for name in self.names if name in entries}

    def restored(self, value: Value, kept: Any) -> Value:
        """The part as it was when it was kept, with what was not kept as it is now."""
        if self.whole or not isinstance(value, dict) or not isinstance(kept, dict):
            return kept
        return {**value, **kept}  # pyright: ignore[reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class BoundAsked:
    """The parts of a request that may change by themselves; others are not among `parts`."""

    parts: Mapping[str, Moving]

    def to_keep(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """What is to be kept of the evaluated parts; empty where nothing moves."""
        return {
            name: moving.pick(values[name]) for name, moving in self.parts.items() if name in values
        }

    def settled(self, values: dict[str, Value], kept: Any) -> dict[str, Value]:
        """The evaluated parts with what was kept of them put back."""
        if not isinstance(kept, dict):
            return values
        found = dict(values)
        for name, moving in self.parts.items():
            if name in kept:
                found[name] = moving.restored(values.get(name), kept[name])
        return found


def bind_asked(plan: RequestPlan, place: Environment) -> BoundAsked:
    """Find which parts of a request move."""
    stores = place.names.stores
    written = {"path": plan.path, **{n: plan.options[n] for n in _PARTS if n in plan.options}}
    found = {name: _moving(expression, stores) for name, expression in written.items()}
    return BoundAsked({name: one for name, one in found.items() if one.whole or one.names})


def _moving(expression: Expression, stores: frozenset[str]) -> Moving:
    """Of an object that is written out, each value by itself."""
    literal = bare(expression)
    if not isinstance(literal, ObjectLiteral):
        return Moving(_moves(expression, stores))
    entries = [one for one in literal.entries if isinstance(one, Entry)]
    if len(entries) < len(literal.entries):
        return Moving(_moves(expression, stores))
    names = (one.key.text for one in entries if _moves(one.value, stores))
    return Moving(whole=False, names=frozenset(names))


def _moves(expression: OptionValue, stores: frozenset[str]) -> bool:
    """Whether it calls anything, or reads a store."""
    return not calls_env(expression) and any(
        isinstance(node, Call | MethodCall | Pipe)
        or (isinstance(node, Name) and node.text in stores)
        for node in walk(expression)
    )
