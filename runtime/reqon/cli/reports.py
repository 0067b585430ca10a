"""The forms in which `reqon check` reports: text, json, github, sarif, junit.

Each takes diagnostics with the files they were looked for in, and prints. Lines and columns count
from 1, ends are exclusive.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reqon.cli import console, excerpt, wording
from reqon.cli.junit import Case, junit_xml
from reqon.cli.programs import Sources, counts
from vague.diagnostics import Diagnostic
from vague.text import Location, SourceText, Span

Report = Callable[[Sequence[Diagnostic], Sequence[str], Sources], None]


def report_text(diagnostics: Sequence[Diagnostic], files: Sequence[str], sources: Sources) -> None:
    """Each problem with its line underlined, and a summary."""
    for diagnostic in diagnostics:
        console.show_lines(
            excerpt.diagnostic_lines(
                diagnostic,
                sources.get(diagnostic.path),
                diagnostic.path,
                console.width(sys.stdout),
                console.paint,
            )
        )
        console.show()
    console.show(_summary(diagnostics, files))


def _summary(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    checked = f"{wording.counted(len(files), 'file')} checked"
    errors, warnings = counts(diagnostics)
    others = len(diagnostics) - errors - warnings
    if not diagnostics:
        return f"{checked}, {console.paint('no problems', 'good')}"
    parts = [
        console.paint(wording.counted(number, word), style)
        for number, word, style in (
            (errors, "error", "error"),
            (warnings, "warning", "warning"),
            (others, "remark", "info"),
        )
        if number
    ]
    return f"{checked}, {', '.join(parts)}"


def report_json(diagnostics: Sequence[Diagnostic], files: Sequence[str], sources: Sources) -> None:
    """One object with all diagnostics and a summary."""
    errors, warnings = counts(diagnostics)
    console.show_json(
        {
            "diagnostics": [_as_json(d, sources) for d in diagnostics],
            "summary": {"files": len(files), "errors": errors, "warnings": warnings},
        }
    )


def _as_json(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    source = sources.get(diagnostic.path)
    value: dict[str, Any] = {
        "file": diagnostic.path,
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "range": _range(source, diagnostic.span),
    }
    if diagnostic.help:
        value["help"] = diagnostic.help
    if diagnostic.fixes:
        value["fix"] = [
            {"range": _range(source, edit.span), "text": edit.text}
            for edit in diagnostic.fixes[0].edits
        ]
    if diagnostic.related:
        value["related"] = [
            {
                "file": place.path,
                "range": _range(sources.get(place.path), place.span),
                "message": place.message,
            }
            for place in diagnostic.related
        ]
    return value


def _range(source: SourceText | None, span: Span) -> dict[str, dict[str, int]]:
    start, end = _locations(source, span)
    return {"start": start._asdict(), "end": end._asdict()}


def _locations(source: SourceText | None, span: Span) -> tuple[Location, Location]:
    if source is None:
        return Location(1, 1), Location(1, 1)
    return source.location(span.start), source.location(span.end)


_GITHUB_LEVELS = {"error": "error", "warning": "warning"}


def report_github(
    diagnostics: Sequence[Diagnostic],
    files: Sequence[str],  # noqa: ARG001 - every report has this form
    sources: Sources,
) -> None:
    """Workflow commands that become annotations of a pull request."""
    for diagnostic in diagnostics:
        start, end = _locations(sources.get(diagnostic.path), diagnostic.span)
        properties = {
            "file": diagnostic.path,
            "line": start.line,
            "endLine": end.line,
            "col": start.column,
            "endColumn": end.column,
            "title": diagnostic.code,
        }
        level = _GITHUB_LEVELS.get(diagnostic.severity.value, "notice")
        head = ",".join(f"{key}={_github_property(value)}" for key, value in properties.items())
        message = diagnostic.message + (f" ({diagnostic.help})" if diagnostic.help else "")
        console.show(f"::{level} {head}::{_github_text(message)}")


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(value: object) -> str:
    return _github_text(str(value)).replace(":", "%3A").replace(",", "%2C")


_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note", "hint": "note"}


def report_sarif(
    diagnostics: Sequence[Diagnostic],
    files: Sequence[str],  # noqa: ARG001 - every report has this form
    sources: Sources,
) -> None:
    """SARIF 2.1.0, as code scanning services read it."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {
        "name": "reqon",
        "version": importlib.metadata.version("reqon"),
        "rules": [{"id": code} for code in codes],
    }
    console.show_json(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "columnKind": "unicodeCodePoints",
                    "results": [_sarif_result(d, sources) for d in diagnostics],
                }
            ],
        }
    )


def _sarif_result(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    start, end = _locations(sources.get(diagnostic.path), diagnostic.span)
    region = {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }
    return {
        "ruleId": diagnostic.code,
        "level": _SARIF_LEVELS[diagnostic.severity.value],
        "message": {"text": diagnostic.message},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": diagnostic.path}, "region": region}}
        ],
    }


def report_junit(diagnostics: Sequence[Diagnostic], files: Sequence[str], sources: Sources) -> None:
    """JUnit XML: a test case for each file, which fails when it has errors."""
    errors = [d for d in diagnostics if d.severity.value == "error"]
    names = dict.fromkeys([*files, *(d.path for d in diagnostics)])
    cases = [_junit_case(name, [d for d in errors if d.path == name], sources) for name in names]
    console.show(junit_xml("reqon check", cases))


def _junit_case(name: str, errors: Sequence[Diagnostic], sources: Sources) -> Case:
    if not errors:
        return Case(name, "reqon.check")
    details = "\n".join(_plain_line(found, sources) for found in errors)
    return Case(name, "reqon.check", failure=(wording.counted(len(errors), "error"), details))


def _plain_line(diagnostic: Diagnostic, sources: Sources) -> str:
    start, _ = _locations(sources.get(diagnostic.path), diagnostic.span)
    place = f"{diagnostic.path}:{start.line}:{start.column}"
    return f"{place}: {diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"


REPORTS: Mapping[str, Report] = {
    "text": report_text,
    "json": report_json,
    "github": report_github,
    "sarif": report_sarif,
    "junit": report_junit,
}
