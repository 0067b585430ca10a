"""JUnit XML, which CI services show: a suite of test cases, some with a failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Case:
    """One test case; `failure` is a short message and the details, or None."""

    name: str
    group: str
    seconds: float | None = None
    failure: tuple[str, str] | None = None


def junit_xml(suite: str, cases: Sequence[Case]) -> str:
    """The document."""
    failed = sum(case.failure is not None for case in cases)
    head = f'<testsuite name={_attribute(suite)} tests="{len(cases)}" failures="{failed}">'
    lines = ['<?xml version="1.0" encoding="utf-8"?>', head]
    for case in cases:
        lines += _case_lines(case)
    return "\n".join([*lines, "</testsuite>"])


def _case_lines(case: Case) -> Iterable[str]:
    time = "" if case.seconds is None else f' time="{case.seconds:.3f}"'
    head = f"  <testcase name={_attribute(case.name)} classname={_attribute(case.group)}{time}"
    if case.failure is None:
        return [f"{head}/>"]
    message, details = case.failure
    body = f"    <failure message={_attribute(message)}>{escape(_legal(details))}</failure>"
    return [f"{head}>", body, "  </testcase>"]


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))


def _legal(text: str) -> str:
    """The text without the characters that XML 1.0 forbids."""
    return "".join(c if c in "\t\n" or c.isprintable() else "?" for c in text)
