"""Evaluating one expression against plain Python values, without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reqon.errors import RunError
from reqon.values.compile import compile_expression
from reqon.values.schemas import SchemaSet
from reqon.values.scope import ContextKind, Names, Scope
from vague.ast.definitions import Schema
from vague.ast.expressions import Expression
from vague.parser import parse, parse_expression

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


class Records:
    """A store made of a dict."""

    def __init__(self, records: Mapping[str, dict[str, Any]]) -> None:
        self._records = dict(records)

    def get(self, key: str) -> dict[str, Any] | None:
        return self._records.get(key)

    def list(self) -> list[dict[str, Any]]:
        return list(self._records.values())

    def count(self) -> int:
        return len(self._records)


class Facts:
    """A run that stands still: fixed time and ids, given environment and stores."""

    def __init__(
        self,
        *,
        lets: Mapping[str, Any] | None = None,
        stores: Mapping[str, Mapping[str, dict[str, Any]]] | None = None,
        environment: Mapping[str, str] | None = None,
        sources: frozenset[str] = frozenset(),
        webhook_url: str | None = None,
    ) -> None:
        self.lets = dict(lets or {})
        self.stores = {name: Records(records) for name, records in (stores or {}).items()}
        self.environment = dict(environment or {})
        self.sources = sources
        self.warnings: list[str] = []
        self._ids = 0
        self._webhook_url = webhook_url

    def now(self) -> datetime:
        return NOW

    def uuid(self) -> str:
        return "12345678-1234-4234-8234-123456789abc"

    def generate_id(self) -> str:
        self._ids += 1
        return f"id{self._ids:04}"

    def env(self, name: str) -> str | None:
        return self.environment.get(name)

    def store(self, name: str) -> Records:
        return self.stores[name]

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def webhook_url(self) -> str | None:
        return self._webhook_url


def parsed(text: str) -> Expression:
    """The tree of `text`, which must have no errors."""
    expression, diagnostics = parse_expression(text)
    assert expression is not None, f"{text}: {diagnostics}"
    assert not diagnostics, f"{text}: {diagnostics}"
    return expression


def schemas_of(text: str, names: Names | None = None) -> SchemaSet:
    """The schemas declared in `text`."""
    items = [placed.node for placed in parse(text).tree.items]
    found = {item.name.text: item for item in items if isinstance(item, Schema)}
    return SchemaSet(found, names or Names())


def attempt(text: str, variables: Mapping[str, Any]) -> Any:
    """The value of `text`, or the kind of the error that it is."""
    try:
        return evaluate(text, variables)
    except RunError as error:
        return error.kind


def evaluate(
    text: str,
    variables: Mapping[str, Any] | None = None,
    *,
    it: Any = None,
    facts: Facts | None = None,
    schemas: str = "",
) -> Any:
    """The value of `text`. `variables` are bindings, `response` included; `it` is `.name`'s."""
    facts = facts or Facts()
    given = dict(variables or {})
    declared = Names(
        stores=frozenset(facts.stores), sources=facts.sources, lets=frozenset(facts.lets)
    )
    names = replace(declared, schemas=schemas_of(schemas, declared), context=ContextKind.PARAMETER)
    slots: dict[str, Any] = {"response": given.pop("response", None)}
    for name, value in given.items():
        names, slot = names.bind(name)
        slots[slot] = value
    return compile_expression(parsed(text), names).call(Scope(facts, slots), it)
