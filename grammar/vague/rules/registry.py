"""Where rules are registered: by the node or event that they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from vague.traversal.state import Rule, Rules

_R = TypeVar("_R", bound=Rule)


class RuleTable:
    """The rules of one subject: functions `(node, walk)` that report what is wrong."""

    def __init__(self) -> None:
        self.rules: dict[type, tuple[Rule, ...]] = {}

    def on(self, *types: type) -> Callable[[_R], _R]:
        """Register the function for nodes or events of exactly these classes."""

        def register(rule: _R) -> _R:
            for node_type in types:
                self.rules[node_type] = (*self.rules.get(node_type, ()), rule)
            return rule

        return register


def merged(tables: Iterable[RuleTable]) -> Rules:
    """All rules in one table, in the order given."""
    rules: dict[type, tuple[Rule, ...]] = {}
    for table in tables:
        for node_type, found in table.rules.items():
            rules[node_type] = (*rules.get(node_type, ()), *found)
    return rules
