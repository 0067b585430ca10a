"""Files and functions stay small; a longer one stands here with its reason."""

from __future__ import annotations

import ast

from support.source_tree import modules

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
LONGER: dict[str, str] = {}


def test_files_and_functions_are_small_or_say_why():
    longer: set[str] = set()
    for module in modules():
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            longer.add(module.name)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    longer.add(f"{module.name}.{node.name}")
    assert longer == set(LONGER)
