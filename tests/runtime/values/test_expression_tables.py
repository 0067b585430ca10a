"""Each row of the tables in `tests/spec/expressions` is a rule of the language with an example."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.expression_tables import Row, check_row, rows_of

FOLDER = Path(__file__).parents[2] / "spec" / "expressions"
ROWS = [row for path in sorted(FOLDER.glob("*.md")) for row in rows_of(path)]


@pytest.mark.parametrize("row", ROWS, ids=[row.place for row in ROWS])
def test_the_expression_gives_the_result_of_its_row(row: Row) -> None:
    check_row(row)
