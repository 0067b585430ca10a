"""The project's own source as data: modules, their imports, files and functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "docs" / "editors.md"
PACKAGES = {"vague": "grammar", "reqon": "runtime", "reqon_lsp": "lsp"}


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def imports(self) -> set[str]:
        """Modules that are imported anywhere in it, as dotted names; typing-only ones too."""
        return set(_imports(self.tree))

    @property
    def late_imports(self) -> list[int]:
        """Lines of imports that do not stand at the head of the file."""
        heads = {id(node) for node in ast.walk(self.tree) if _is_head(node, self.tree)}
        return [
            node.lineno
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in heads
        ]

    def calls(self) -> Iterator[tuple[str, int]]:
        """Dotted names of what is called, with the line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node.lineno


def fences(page: Path, language: str) -> list[str]:
    """The code of one language in a page of the manual, in order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@cache
def modules() -> tuple[Module, ...]:
    found: list[Module] = []
    for package, folder in PACKAGES.items():
        base = ROOT / folder
        for path in sorted((base / package).rglob("*.py")):
            name = ".".join(path.relative_to(base).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found.append(Module(name.removesuffix(".__init__"), path, tree))
    return tuple(found)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_head(node: ast.AST, tree: ast.Module) -> bool:
    """At the head: on the top level, or there under a question that only a platform answers."""
    guards = [n for n in tree.body if isinstance(n, ast.If) and _is_platform_question(n.test)]
    return node in tree.body or any(node in guard.body + guard.orelse for guard in guards)


def _is_platform_question(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in ast.unparse(test) or "sys.platform" in ast.unparse(test)
