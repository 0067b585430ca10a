"""A small reader of TextMate grammars: the scopes that an editor would give to each character.

It knows what our grammar uses (match, begin/end, captures, includes) and reads line by line, as
editors do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import regex

Rule = dict[str, Any]


@dataclass
class _Frame:
    rule: Rule
    end: regex.Pattern[str] | None
    scopes: tuple[str, ...]


@dataclass
class Reader:
    grammar: Rule
    scopes: list[tuple[str, ...]] = field(default_factory=list)

    def read(self, text: str) -> list[tuple[str, ...]]:
        """The scopes of every character of `text`, outermost first."""
        self.scopes = []
        stack = [_Frame(self.grammar, None, (self.grammar["scopeName"],))]
        for line in text.splitlines(keepends=True):
            self._line(line, stack)
        return self.scopes

    def _line(self, line: str, stack: list[_Frame]) -> None:
        row = [stack[-1].scopes] * len(line)
        position = 0
        seen: set[tuple[int, int]] = set()
        while position <= len(line):
            found = self._next(line, position, stack[-1])
            if found is None:
                self._paint(row, position, len(line), stack[-1].scopes)
                break
            match, rule = found
            self._paint(row, position, match.start(), stack[-1].scopes)
            if rule is None:
                frame = stack.pop()
                self._captures(row, match, frame.rule.get("endCaptures"), frame.scopes)
            elif "begin" in rule:
                self._begin(row, match, rule, stack)
            else:
                self._captures(row, match, rule.get("captures"), _with(stack[-1].scopes, rule))
            state = (match.end(), len(stack))
            if match.start() == match.end() and state in seen:
                position += 1
            else:
                position = match.end()
            seen.add(state)
        self.scopes.extend(row)

    def _begin(
        self, row: list[tuple[str, ...]], match: regex.Match[str], rule: Rule, stack: list[_Frame]
    ) -> None:
        scopes = _with(stack[-1].scopes, rule)
        stack.append(_Frame(rule, regex.compile(rule["end"]), scopes))
        self._captures(row, match, rule.get("beginCaptures"), scopes)

    def _next(
        self, line: str, position: int, frame: _Frame
    ) -> tuple[regex.Match[str], Rule | None] | None:
        best: tuple[regex.Match[str], Rule | None] | None = None
        if frame.end is not None and (match := frame.end.search(line, position)):
            best = (match, None)
        for rule in self._rules(frame.rule):
            match = regex.compile(rule.get("begin") or rule["match"]).search(line, position)
            if match and (best is None or match.start() < best[0].start()):
                best = (match, rule)
        return best

    def _rules(self, rule: Rule) -> Iterator[Rule]:
        for inner in rule.get("patterns", ()):
            if "include" in inner:
                included = self.grammar["repository"][inner["include"].removeprefix("#")]
                if "begin" in included or "match" in included:
                    yield included
                else:
                    yield from self._rules(included)
            else:
                yield inner

    def _captures(
        self,
        row: list[tuple[str, ...]],
        match: regex.Match[str],
        captures: dict[str, Rule] | None,
        scopes: tuple[str, ...],
    ) -> None:
        self._paint(row, match.start(), match.end(), scopes)
        for group, capture in (captures or {}).items():
            if match.group(int(group)) is not None:
                self._paint(row, *match.span(int(group)), (*scopes, capture["name"]))

    @staticmethod
    def _paint(row: list[tuple[str, ...]], start: int, end: int, scopes: tuple[str, ...]) -> None:
        row[start:end] = [scopes] * (end - start)


def _with(scopes: tuple[str, ...], rule: Rule) -> tuple[str, ...]:
    return (*scopes, rule["name"]) if "name" in rule else scopes
