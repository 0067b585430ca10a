"""Regular expressions mean the same on every Python that Reqon runs on."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from support.source_tree import modules
from vague import parser
from vague.slices import PIECES

GRAMMAR = Path(parser.__file__).with_name("vague.peg")
PLAIN = {sre.ATOMIC_GROUP, sre.IN, sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.GROUPREF}


def repeated(parsed: Any) -> Iterator[Any]:
    """The bodies of all possessive repetitions."""
    for kind, value in parsed:
        for part in value if isinstance(value, tuple | list) else [value]:
            if isinstance(part, _parser.SubPattern):
                if kind is sre.POSSESSIVE_REPEAT:
                    yield part
                yield from repeated(part)
            elif isinstance(part, list):  # the branches of an alternative
                for branch in part:
                    if isinstance(branch, _parser.SubPattern):
                        yield from repeated(branch)


def is_right_everywhere(pattern: str, flags: int = 0) -> bool:
    """Python 3.11.0 to 3.11.4 match `(?:…)*+` wrongly; `(?>…)*+` says the same everywhere."""
    bodies = repeated(_parser.parse(pattern, flags))
    return all(len(body) == 1 and body[0][0] in PLAIN for body in bodies)


def patterns() -> Iterator[tuple[str, str, int]]:
    yield from ((f"PIECES {name}", text, 0) for name, text in PIECES.items())
    for source in modules():
        if source.name.endswith("__main__"):
            continue
        module = importlib.import_module(source.name)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                yield f"{source.name}.{name}", value.pattern, value.flags


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        (r"(?:ab?c)*+", False),
        (r"x(?:y|(?:ab?c)++)", False),
        (r"(?>ab?c)*+", True),
        (r"[ab]*+\w++.?+", True),
    ],
)
def test_what_is_looked_for_is_found(pattern: str, right: bool) -> None:
    assert is_right_everywhere(pattern) is right


def test_what_is_repeated_possessively_is_an_atomic_group() -> None:
    found = list(patterns())
    assert len(found) > 50
    assert [where for where, text, flags in found if not is_right_everywhere(text, flags)] == []
    assert re.findall(r"\((?!\?>)[^()]*\)[*+?]\+", GRAMMAR.read_text("utf-8")) == []
