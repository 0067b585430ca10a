r"""Reads tables of expressions from markdown: a specification that people read and tests run.

A table has the columns *expression*, *variables* and *result* (a fourth is a remark). A `|` in an
expression is written `\|`. Variables are a JSON object; `.` is what `.name` refers to, and values
may be tagged as in the journal (`{"$date": 0}`, `{"$reply": [body, meta]}`). The result is JSON
(dates as text, durations as milliseconds), perhaps followed by `+ warning`, or `error KIND`,
perhaps followed by `: ` and a part of the message.

A `vague` fence declares schemas, a `json` fence gives `stores`, `lets`, `environment` and
`sources`; both hold until the next heading of the same level.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import RunError
from reqon.values.encoding import untag
from reqon.values.json_form import json_form
from support.expressions import Facts, evaluate

CELL = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`(.*)`", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One line of a table and what surrounds it."""

    place: str
    expression: str
    variables: dict[str, Any]
    result: str
    surroundings: dict[str, Any] = field(default_factory=dict)
    schemas: str = ""


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of all tables in a file."""
    surroundings: dict[str, Any] = {}
    schemas = ""
    level = heading = 0
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if line.startswith("#"):
            depth = len(line) - len(line.lstrip("#"))
            if depth <= level:
                surroundings, schemas, level = {}, "", 0
            heading = depth
        elif line.startswith("```"):
            text = "\n".join(_fence(lines))
            level = min(level, heading) or heading
            if line == "```json":
                surroundings = json.loads(text)
            elif line == "```vague":
                schemas = text
        elif line.startswith("|") and not line.startswith(("| expression", "|--", "|:-")):
            cells = [_cell(cell) for cell in CELL.split(line)[1:-1]]
            yield Row(
                f"{path.name}:{number}",
                cells[0],
                json.loads(cells[1] or "{}"),
                cells[2],
                surroundings,
                schemas,
            )


def _fence(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if line == "```":
            return
        yield line


def _cell(text: str) -> str:
    text = text.strip().replace("\\|", "|")
    code = CODE.fullmatch(text)
    return code[1] if code else text


def check_row(row: Row) -> None:
    """The expression gives the result of its row, with the warnings it names."""
    given = row.surroundings
    facts = Facts(
        lets=given.get("lets"),
        stores=given.get("stores"),
        environment=given.get("environment"),
        sources=frozenset(given.get("sources", ())),
    )
    variables = untag(row.variables)
    it = variables.pop(".", None)
    if row.result.startswith("error "):
        _check_error(row, variables, it, facts)
        return
    value = evaluate(row.expression, variables, it=it, facts=facts, schemas=row.schemas)
    expected, _, warning = row.result.partition(" + ")
    assert exact(json_form(value)) == exact(json.loads(expected))
    assert len(facts.warnings) == (1 if warning == "warning" else 0), facts.warnings


def _check_error(row: Row, variables: dict[str, Any], it: Any, facts: Facts) -> None:
    kind, _, part = row.result.removeprefix("error ").partition(": ")
    with pytest.raises(RunError) as raised:
        evaluate(row.expression, variables, it=it, facts=facts, schemas=row.schemas)
    assert raised.value.kind == kind
    assert part in raised.value.message


def exact(value: Any) -> Any:
    """JSON values that Python compares by kind too: `true` is not 1, but `1.0` is."""
    match value:
        case bool():
            return ("boolean", value)
        case list():
            return [exact(element) for element in value]
        case dict():
            return {key: exact(item) for key, item in value.items()}
        case _:
            return value
