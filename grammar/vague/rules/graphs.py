"""Rules about what definitions do to each other: calls in circles, spreads in circles, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from vague.ast.base import Node, Placed
from vague.ast.definitions import Action, SchemaSpread
from vague.ast.steps import Abort, ForEach, Jump, Run, Skip, Stage, StoreRecord
from vague.ast.walk import walk as walk_nodes
from vague.hashes import node_hash
from vague.program import Declared
from vague.rules.missions import MissionView, Spot
from vague.text import Span
from vague.traversal.options import option_of

_NODE: Callable[[Placed[Node]], Node] = attrgetter("node")


@dataclass(frozen=True, slots=True)
class CertainCall:
    """An action that another one runs for certain; `span` counts from the caller's start."""

    action: str
    span: Span


@dataclass(frozen=True)
class ActionFacts:
    """What the rules here need of an action, found when it is first asked for."""

    action: Action

    @cached_property
    def calls(self) -> tuple[CertainCall, ...]:
        """The calls that cannot be avoided."""
        if {Run, Jump}.isdisjoint(map(type, map(_NODE, self.action.steps))):
            return ()
        return tuple(_certain_calls(self.action))

    @cached_property
    def writes(self) -> frozenset[tuple[str, str]]:
        """The writes with a key: pairs of a store and the hash of the key's expression."""
        return frozenset(_keyed_writes(self.action))


def _certain_calls(action: Action) -> Iterable[CertainCall]:
    """Calls in the action's own list, up to where it may end early."""
    for placed in action.steps:
        step = placed.node
        if isinstance(step, Run):
            for stage in step.stages:
                if stage.condition is None:
                    for name in stage.actions:
                        yield CertainCall(name.text, name.span.shifted(placed.start))
        elif isinstance(step, Jump):
            yield CertainCall(step.action.text, step.action.span.shifted(placed.start))
        if _may_leave(step):
            return


def _may_leave(step: Node) -> bool:
    if isinstance(step, ForEach):
        return any(isinstance(node, Abort) for node in walk_nodes(step))
    return any(isinstance(node, Abort | Skip) for node in walk_nodes(step))


def _keyed_writes(action: Action) -> Iterable[tuple[str, str]]:
    for node in walk_nodes(action):
        if isinstance(node, StoreRecord):
            key = option_of(node.options, "key")
            if key is not None:
                yield node.target.text, node_hash(key.value)


# ---------------------------------------------------------------- circles of actions


def check_calls(view: MissionView, callers: Sequence[ActionFacts]) -> None:
    """RQ414: an action that for certain runs itself never ends; `callers` are those with calls."""
    graph = {one.action.name.text: [call.action for call in one.calls] for one in callers}
    for caller in callers:
        name = caller.action.name.text
        for call in caller.calls:
            if call.action == name or _reaches(graph, call.action, name):
                spot = Spot(view.mission.actions[name], call.span)
                message = f"action '{name}' certainly calls itself"
                if call.action != name:
                    message += f" through '{call.action}'"
                view.report("RQ414", spot, message, "make the call depend on a condition")
                break


def _reaches(graph: Mapping[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(graph.get(name, ()))
    return False


# ---------------------------------------------------------------- groups


def grouped_actions(view: MissionView) -> Iterable[tuple[Declared[Run], Stage]]:
    """The stages of the pipeline that run several actions at once."""
    for run in view.mission.own.runs:
        for stage in run.node.stages:
            if len(stage.actions) > 1:
                yield run, stage


def check_group_writes(view: MissionView, actions: Sequence[ActionFacts]) -> None:
    """RQ415: which of two records under one key stays is chance."""
    groups = list(grouped_actions(view))
    facts = {one.action.name.text: one for one in actions} if groups else {}
    for run, stage in groups:
        for position, second in enumerate(stage.actions):
            for first in stage.actions[:position]:
                if first.text == second.text:
                    continue
                store = _common_write(facts.get(first.text), facts.get(second.text))
                if store is not None:
                    spot = Spot(run, second.span)
                    related = (Spot(run, first.span).related("at the same time"),)
                    message = (
                        f"'{first.text}' and '{second.text}' write the store '{store}' "
                        "with the same key expression at the same time"
                    )
                    help_text = "let them write different keys, or run them one after the other"
                    view.report("RQ415", spot, message, help_text, related=related)
                    break


def _common_write(first: ActionFacts | None, second: ActionFacts | None) -> str | None:
    if first is None or second is None:
        return None
    common = sorted(first.writes & second.writes)
    return common[0][0] if common else None


# ---------------------------------------------------------------- circles of schemas


def check_schema_circles(view: MissionView) -> None:
    """RQ118: a schema that spreads itself, perhaps through others, has no end."""
    spreads: dict[str, list[SchemaSpread]] = {}
    for name, declared in view.mission.schemas.items():
        found = [item for item in declared.node.items if isinstance(item, SchemaSpread)]
        if found:
            spreads[name] = found
    graph = {name: [item.name.text for item in found] for name, found in spreads.items()}
    for name, found in spreads.items():
        for item in found:
            if _reaches(graph, item.name.text, name):
                message = f"schema '{name}' includes itself"
                if item.name.text != name:
                    message += f" through '{item.name.text}'"
                spot = Spot(view.mission.schemas[name], item.name.span)
                view.report("RQ118", spot, message, "copy the fields that it needs instead")
                break
