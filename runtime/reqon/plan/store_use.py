"""Which stores the steps of a plan read and change, as their text tells.

A plain name is taken for the store of that name, also where a variable hides it: who asks does so
to be on the safe side. Looks at plans alone; `plan.way_back` asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from reqon.plan.model import (
    ApplyPlan,
    BlockPlan,
    ClearPlan,
    DeleteRecordPlan,
    MissionPlan,
    QueuePlan,
    RequestPlan,
    Site,
    StepPlan,
    StoreRecordPlan,
)
from reqon.plan.traverse import inner_blocks
from vague.ast.base import Node
from vague.ast.expressions import Name, StringLiteral
from vague.ast.walk import walk

_PLACEHOLDER = re.compile(r"\{(\w+)")


@dataclass(frozen=True, slots=True)
class StoreUse:
    """Names of the stores that are read, and of those that are changed."""

    read: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    def __or__(self, other: StoreUse) -> StoreUse:
        return StoreUse(self.read | other.read, self.changed | other.changed)

    @property
    def reads_what_it_changes(self) -> bool:
        """Whether doing it again may come to another end, because it has been done."""
        return not self.read.isdisjoint(self.changed)


def use_of(step: StepPlan, plan: MissionPlan) -> StoreUse:
    """What a step uses, with all that is in it."""
    use = own_use(step, plan)
    for block in inner_blocks(step):
        for inner in block.steps:
            use |= use_of(inner, plan)
    return use


def own_use(step: StepPlan, plan: MissionPlan) -> StoreUse:
    """What a step uses by itself, without the steps of its blocks."""
    names = set(_names(step))
    match step:
        case RequestPlan(path=StringLiteral(value=path)):
            names.update(_PLACEHOLDER.findall(path))
        case ApplyPlan(transform=name) if name in plan.transforms:
            names.update(_names(plan.transforms[name]))
        case _:
            pass
    return StoreUse(frozenset(names & plan.stores.keys()), _changed(step))


def _changed(step: StepPlan) -> frozenset[str]:
    match step:
        case StoreRecordPlan(target=name):
            return frozenset({name})
        case DeleteRecordPlan(store=name) | ClearPlan(store=name) | QueuePlan(store=name):
            return frozenset({name})
        case _:
            return frozenset()


def _names(part: Any) -> Iterator[str]:
    """The plain names in the expressions of a part of a plan, but for those in its blocks."""
    if isinstance(part, Node):
        yield from (node.text for node in walk(part) if isinstance(node, Name))
    elif isinstance(part, Mapping):
        for one in part.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _names(one)
    elif isinstance(part, tuple):
        for one in part:  # pyright: ignore[reportUnknownVariableType]
            yield from _names(one)
    elif is_dataclass(part) and not isinstance(part, BlockPlan | Site):
        for one in fields(part):
            yield from _names(getattr(part, one.name))
