"""Write what is made from the language's data: tables in docs, diagnostic pages, TextMate grammar.

`python scripts/generate.py` writes the files that changed; with `--check` it writes nothing and
ends with 1 if a file is stale, naming it. A table in a page stands between the marks
`<!-- generated: NAME ARGUMENT -->` and `<!-- end -->`. To add a table, add a row to `TABLES`; to
add a kind of file, a function to `WRITERS`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from vague.highlight import textmate_grammar
from vague.pages import Page, pages
from vague.vocabulary import kinds as vocabulary_kinds
from vague.vocabulary.functions import FUNCTIONS, FunctionGroup
from vague.vocabulary.keywords import UNITS
from vague.vocabulary.options import OPTION_BLOCKS, OptionBlock, OptionSpec, OptionType

ROOT = Path(__file__).resolve().parents[1]
LANGUAGE_DOCS = ROOT / "docs" / "language"
DIAGNOSTIC_DOCS = ROOT / "docs" / "diagnostics"
TEXTMATE = ROOT / "vscode-extension" / "syntaxes" / "vague.tmLanguage.json"

Row = tuple[str, ...]


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` only compare them; the exit code."""
    check = arguments == ["--check"]
    if arguments and not check:
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    stale = [(path, text) for path, text in generated() if _read(path) != text]
    orphans = list(orphaned_pages())
    for path, text in stale:
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in orphans:
        print(f"{'stale' if check else 'removed'}: {path.relative_to(ROOT)}")
        if not check:
            path.unlink()
    return 1 if check and (stale or orphans) else 0


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with the text that it should have."""
    for writer in WRITERS:
        yield from writer()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


# ---------------------------------------------------------------- files


def _textmate() -> Iterator[tuple[Path, str]]:
    yield TEXTMATE, json.dumps(textmate_grammar(), indent=2, ensure_ascii=False) + "\n"


def _language_pages() -> Iterator[tuple[Path, str]]:
    for path in sorted(LANGUAGE_DOCS.glob("*.md")):
        yield path, with_tables(path.read_text(encoding="utf-8"))


def _diagnostic_pages() -> Iterator[tuple[Path, str]]:
    for page in pages():
        yield DIAGNOSTIC_DOCS / f"{page.code}.md", _document(page)


def orphaned_pages() -> Iterator[Path]:
    """Diagnostic pages in docs whose code is gone."""
    codes = {page.code for page in pages()}
    return (path for path in sorted(DIAGNOSTIC_DOCS.glob("RQ*.md")) if path.stem not in codes)


WRITERS: tuple[Callable[[], Iterable[tuple[Path, str]]], ...] = (
    _textmate,
    _language_pages,
    _diagnostic_pages,
)
"""Each yields the files of one kind."""


def _document(page: Page) -> str:
    """A page as documentation; fences that show the mistake are marked."""
    body = re.sub(r"(?ms)^## Bad\n.*?(?=^## )", _marked, page.body)
    return f"# {page.code}: {page.title}\n\nSeverity: {page.severity.value}\n\n{body}\n"


def _marked(section: re.Match[str]) -> str:
    return section[0].replace("```vague\n", "```vague error\n")


# ---------------------------------------------------------------- tables in pages

_TABLE = re.compile(r"(<!-- generated: (\w+) ?([\w.]*) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """The page with its tables made anew.

    Raises:
        KeyError: when a mark names a table, block or set that does not exist.
    """
    return _TABLE.sub(lambda mark: mark[1] + TABLES[mark[2]](mark[3]) + mark[4], text)


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`"


def _options(name: str) -> str:
    block = OPTION_BLOCKS[name]
    return _table(
        ("Option", "Value", "Default", "Meaning"),
        (
            (_code(row.name), _value(row), _default(row), _meaning(row, block))
            for row in block.options.values()
            if row.synonym_of is None
        ),
    )


_TYPE_TEXTS: Mapping[OptionType, str] = {
    OptionType.BOOLEAN: "`true` or `false`",
    OptionType.INTEGER: "whole number",
    OptionType.NUMBER: "number",
    OptionType.STRING: "string",
    OptionType.DURATION: "duration",
    OptionType.RETENTION: "number and unit",
    OptionType.STRINGS: "array of strings",
    OptionType.INTEGERS: "array of whole numbers",
    OptionType.OBJECT: "object",
    OptionType.BLOCK: "block",
    OptionType.VALUE: "any value",
    OptionType.SCHEDULE: "[schedule](schedules.md)",
    OptionType.AUTH: "auth type",
    OptionType.STATE_STORE: "name",
    OptionType.STORE: "name of a store",
    OptionType.SOURCE: "name of a source",
    OptionType.SINCE: "`lastSync`, or a time",
    OptionType.PAGINATION: "[pagination](pagination.md)",
    OptionType.PAGINATOR: "kind of pagination",
    OptionType.PARAMETER: "name of a parameter",
    OptionType.PATH: "path",
    OptionType.SYNC_FORMAT: "date format",
}


def _value(row: OptionSpec) -> str:
    if row.values is not None and row.type is OptionType.WORD:
        return ", ".join(map(_code, row.values))
    first, *others = (_TYPE_TEXTS[one] for one in row.types)
    return " or ".join((first + _limits(row), *others))


def _limits(row: OptionSpec) -> str:
    if row.type is OptionType.DURATION:
        return "" if row.unit == "ms" else f" (a bare number: {row.unit})"
    if row.type not in (OptionType.INTEGER, OptionType.NUMBER) or row.minimum is None:
        return f" ({row.unit})" if row.type is OptionType.NUMBER else ""
    unit = "" if row.unit is None else f" {row.unit}"
    end = "" if row.maximum is None else f" to {row.maximum:g}"
    return f" from {row.minimum:g}{end}{unit}"


_WRITTEN = re.compile(r"[\w./<>\[\]{}-]+|\d+ \w+")
_SAID = ("none", "absent", "generated", "required")


def _default(row: OptionSpec) -> str:
    text = "required" if row.required else row.default
    return _code(text) if _WRITTEN.fullmatch(text) and text not in _SAID else text


def _meaning(row: OptionSpec, block: OptionBlock) -> str:
    others = [other for other in block.options.values() if other.synonym_of == row.name]
    return row.help + "".join(f" Also written {_code(other.name)}." for other in others)


_KINDS: Mapping[str, vocabulary_kinds.Kinds] = {
    "auth": vocabulary_kinds.AUTH_KINDS,
    "adapters": vocabulary_kinds.STORE_ADAPTERS,
    "types": vocabulary_kinds.TYPE_NAMES,
    "rate_strategies": vocabulary_kinds.RATE_STRATEGIES,
    "validation_modes": vocabulary_kinds.VALIDATION_MODES,
    "sync_formats": vocabulary_kinds.SYNC_FORMATS,
    "virtual_fields": vocabulary_kinds.VIRTUAL_FIELDS,
    "error_fields": vocabulary_kinds.ERROR_FIELDS,
    "errors": vocabulary_kinds.ERROR_KINDS,
    "ambient": vocabulary_kinds.AMBIENT_NAMES,
}


def _kinds(name: str) -> str:
    rows = _KINDS[name].values()
    merged = {row.name: [row.name] for row in rows if row.same_as is None}
    for row in rows:
        if row.same_as is not None:
            merged[row.same_as].append(row.name)
    return _table(
        ("Name", "Meaning"),
        (
            (", ".join(map(_code, merged[row.name])), row.help)
            for row in rows
            if row.same_as is None
        ),
    )


def _functions(_: str) -> str:
    return "\n".join(_function_group(group) for group in FunctionGroup)


def _function_group(group: FunctionGroup) -> str:
    rows = [row for row in FUNCTIONS.values() if row.group is group]
    table = _table(
        ("Function", "Result", "Meaning", "Example"),
        (
            (
                _code(row.signature),
                row.returns,
                row.help,
                f"{_code(row.example_expression)} → {_code(row.example.rpartition(' -> ')[2])}",
            )
            for row in rows
        ),
    )
    return f"## {group.value[0].upper()}{group.value[1:]}\n\n{table}"


def _units(_: str) -> str:
    lengths: dict[int, list[str]] = {}
    for word, milliseconds in UNITS.items():
        lengths.setdefault(milliseconds, []).append(word)
    return _table(
        ("Unit", "Milliseconds"),
        ((", ".join(map(_code, words)), f"{length:,}") for length, words in lengths.items()),
    )


def _diagnostics(_: str) -> str:
    return _table(
        ("Code", "Severity", "Meaning"),
        (
            (f"[{page.code}](../diagnostics/{page.code}.md)", page.severity.value, page.title)
            for page in pages()
        ),
    )


TABLES: Mapping[str, Callable[[str], str]] = {
    "options": _options,
    "kinds": _kinds,
    "functions": _functions,
    "units": _units,
    "diagnostics": _diagnostics,
}
"""The tables by the name in their mark; each gets the mark's argument."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
