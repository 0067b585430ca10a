"""Regular expressions mean the same on every Python that Reqon runs on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.source_tree import modules
from vague import parser

REPEATED_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\)(?:[*+?]|\{[0-9,]+\})\+")
GRAMMAR = Path(parser.__file__).with_name("vague.peg")


def test_no_group_is_repeated_possessively():
    """Python 3.11.0 to 3.11.4 match `(?:…)*+` wrongly; `(?>(?:…)*)` says the same everywhere."""
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and REPEATED_GROUP.search(node.value)
    ]
    found += [
        f"{GRAMMAR.name}:{number}"
        for number, line in enumerate(GRAMMAR.read_text("utf-8").splitlines(), 1)
        if REPEATED_GROUP.search(line)
    ]
    assert found == []
