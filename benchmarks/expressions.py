"""Compiled expressions against hand-written Python that does the same, in one run.

Prints, for each case, the time of both and their ratio. The ratio is what counts: machines differ.
The hand-written side is what a person would write who trusts the data; the language also takes
care of null, of texts that spell numbers, of dates, and of records that are no plain objects.

    python benchmarks/expressions.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any, NamedTuple

from reqon.values.compile import compile_expression, compile_filter, compile_object
from reqon.values.scope import ContextKind, Names, Scope
from vague.ast.expressions import ObjectLiteral
from vague.parser import parse_expression

N_RECORDS = 30_000
N_ROUNDS = 21
LIMIT = 3.0


class Case(NamedTuple):
    """Two functions of the records that give the same. `typical`: the limit counts for it."""

    name: str
    compiled: Callable[[list[dict[str, Any]]], Any]
    by_hand: Callable[[list[dict[str, Any]]], Any]
    typical: bool = True


class Facts:
    """A run that knows nothing but the time."""

    lets: dict[str, Any] = {}  # noqa: RUF012 - never filled
    sources: frozenset[str] = frozenset()

    def now(self) -> datetime:
        return datetime(2031, 5, 6, tzinfo=UTC)

    def warn(self, message: str) -> None:
        raise AssertionError(message)


def records() -> list[dict[str, Any]]:
    """Records as an API sends them: some fields missing, some null."""
    return [
        {
            "id": f"cust_{number:06}",
            "name": f" Customer {number} " if number % 7 else None,
            "email": f"c{number}@example.test",
            "active": number % 3 != 0,
            "total": number * 1.25,
            "orders": number % 11,
            "status": ("new", "open", "closed", "lost")[number % 4],
            "address": {"city": f"city {number % 100}", "zip": f"{number % 1000:05}"},
        }
        for number in range(N_RECORDS)
    ]


def expression(text: str) -> Any:
    """The tree of `text`."""
    tree, diagnostics = parse_expression(text)
    assert tree is not None, diagnostics
    assert not diagnostics, diagnostics
    return tree


FILTER = '.active == true and .total > 1000 and .status in ["new", "open"]'
BODY = """{
  id: .id,
  name: trim(.name) or "unknown",
  cents: .total * 100,
  city: .address.city,
  label: "customer " + .id,
  big: .orders >= 5,
  grade: .total > 20000 ? "gold" : "plain"
}"""


def filter_case() -> Case:
    """`for … where`: which of many records pass."""
    names = Names()
    compiled = compile_filter(expression(FILTER), names, None)
    scope = Scope(Facts())

    def by_hand(rows: list[dict[str, Any]]) -> list[int]:
        return [
            position
            for position, row in enumerate(rows)
            if row["active"] and row["total"] > 1000 and row["status"] in ("new", "open")
        ]

    return Case("filter of a loop", lambda rows: compiled.select(scope, rows), by_hand)


def hand_mapped(row: dict[str, Any]) -> dict[str, Any]:
    """What the body of the map says, by hand."""
    return {
        "id": row["id"],
        "name": (row["name"] or "").strip() or "unknown",
        "cents": row["total"] * 100,
        "city": row["address"]["city"],
        "label": "customer " + row["id"],
        "big": row["orders"] >= 5,
        "grade": "gold" if row["total"] > 20000 else "plain",
    }


def map_case() -> Case:
    """`map row -> T { … }` for each record, as a loop's step does it."""
    body = expression(BODY)
    assert isinstance(body, ObjectLiteral)
    call = compile_object(body, Names(context=ContextKind.PARAMETER)).call
    scope = Scope(Facts())
    return Case(
        "map of each record",
        lambda rows: [call(scope, row) for row in rows],
        lambda rows: [hand_mapped(row) for row in rows],
    )


def pipe_case() -> Case:
    """The same as one expression: `(rows where …) | map({ … })`."""
    names, slot = Names().bind("rows")
    call = compile_expression(expression(f"(rows where {FILTER}) | map({BODY})"), names).call

    def by_hand(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            hand_mapped(row)
            for row in rows
            if row["active"] and row["total"] > 1000 and row["status"] in ("new", "open")
        ]

    return Case("where and map", lambda rows: call(Scope(Facts(), {slot: rows}), None), by_hand)


def total_case() -> Case:
    """An aggregate: `sum(rows where .active | …)`."""
    names, slot = Names().bind("rows")
    call = compile_expression(expression("(rows where .active) | sum(.orders * 2)"), names).call
    return Case(
        "where and sum",
        lambda rows: call(Scope(Facts(), {slot: rows}), None),
        lambda rows: sum(row["orders"] * 2 for row in rows if row["active"]),
        typical=False,
    )


def seconds(case: Case, rows: list[dict[str, Any]]) -> tuple[float, float]:
    """The best of some rounds of both sides, taken in turns: what disturbs one disturbs both."""
    best = [float("inf"), float("inf")]
    for _ in range(N_ROUNDS):
        for side, function in enumerate((case.compiled, case.by_hand)):
            start = process_time()
            function(rows)
            best[side] = min(best[side], process_time() - start)
    return best[0], best[1]


def main() -> int:
    """Run all cases; 1 when a ratio is beyond the limit."""
    rows = records()
    worst = 0.0
    for case in (filter_case(), map_case(), pipe_case(), total_case()):
        assert case.compiled(rows) == case.by_hand(rows), case.name
        compiled, by_hand = seconds(case, rows)
        ratio = compiled / by_hand
        worst = max(worst, ratio) if case.typical else worst
        print(
            f"{case.name:20} compiled {compiled * 1000:7.1f} ms"
            f"   by hand {by_hand * 1000:7.1f} ms   ratio {ratio:4.2f}"
        )
    print(f"worst ratio of the typical cases {worst:.2f} (limit {LIMIT})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
