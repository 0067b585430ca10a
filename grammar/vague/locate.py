"""The way from a `StepPath` to the program text and back, and the hash of an action.

Events, state files and the editor speak of steps by their `StepPath`; this is where it meets the
tree. The hash tells whether an action is still the one that a state file speaks of: layout,
comments, quotes and parentheses do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vague.ast.base import Identifier, Node, Placed
from vague.ast.definitions import Action, Mission
from vague.ast.steps import Arm, Block, ForEach, MatchStep, Step, Validate
from vague.hashes import node_hash
from vague.program import Declared, MissionProgram, Program
from vague.step_path import Segment, StepPath
from vague.text import Span

_Steps = tuple[Placed[Step], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column of a file, both from 1."""

    path: str
    line: int
    column: int


def location(program: Program, step_path: StepPath) -> Place | None:
    """Where a mission, an action or a step begins; None for one that the program has not."""
    found = span_of(program, step_path)
    if found is None:
        return None
    path, span = found
    line, column = program.files[path].parsed.source.location(span.start)
    return Place(path, line, column)


def span_of(program: Program, step_path: StepPath) -> tuple[str, Span] | None:
    """The file of a mission, an action or a step and the offsets that it spans."""
    mission = program.mission(step_path.mission)
    if mission is None:
        return None
    if step_path.action is None:
        return mission.mission.path, mission.mission.absolute(mission.mission.node.span)
    action = mission.actions.get(step_path.action)
    if action is None:
        return None
    step = _descend(action.node, action.start, step_path.segments)
    if step is None:
        return None
    start, node = step
    return action.path, Span(start, start + node.span.end - node.span.start)


def step_node(mission: MissionProgram, step_path: StepPath) -> Mission | Action | Step | None:
    """The node that an address names."""
    if step_path.action is None:
        return mission.mission.node
    action = mission.actions.get(step_path.action)
    if action is None:
        return None
    found = _descend(action.node, action.start, step_path.segments)
    return None if found is None else found[1]


def _descend(
    action: Action, start: int, segments: tuple[Segment, ...]
) -> tuple[int, Action | Step] | None:
    """The absolute start and the node at the end of the way; the action itself for no way."""
    if not segments:
        return start, action
    steps: _Steps | None = action.steps
    node: Step | None = None
    for segment in segments:
        if isinstance(segment, str):
            steps = None if node is None else _steps_in(node, segment)
        elif steps is None or not 0 <= segment < len(steps):
            return None
        else:
            start += steps[segment].start
            node = steps[segment].node
            steps = None
    return None if node is None or isinstance(segments[-1], str) else (start, node)


def _steps_in(step: Step, block: str) -> _Steps | None:
    """The steps of a block that a step holds."""
    return next((steps for name, steps in _blocks(step) if name == block), None)


def _blocks(step: Step) -> Iterator[tuple[str, _Steps]]:
    """The blocks of a step by the name that they have in addresses."""
    if isinstance(step, ForEach):
        yield "body", step.body.steps
    elif isinstance(step, Validate):
        if step.otherwise is not None:
            yield "or", step.otherwise.steps
    elif isinstance(step, MatchStep):
        for number, arm in enumerate(step.arms):
            yield f"arm:{number}", _steps_of_arm(arm)
        for number, arm in enumerate(step.catch or ()):
            if number == 0:
                yield "catch", _steps_of_arm(arm)
            yield f"catch:{number}", _steps_of_arm(arm)


def _steps_of_arm(arm: Arm) -> _Steps:
    body = arm.body
    if isinstance(body, Block):
        return body.steps
    return () if isinstance(body, Identifier) else (body,)


# ---------------------------------------------------------------- from the text


def step_path_at(program: Program, path: str, offset: int) -> StepPath | None:
    """The innermost step, else action, else mission at an offset of a file.

    A shared action is addressed through the first mission that has it.
    """
    for mission in program.missions:
        for declared in mission.actions.values():
            if _holds(declared, path, offset):
                address = StepPath(mission.name, declared.node.name.text)
                return _deepest(address, declared.node.steps, offset - declared.start)
    for mission in program.missions:
        if _holds(mission.mission, path, offset):
            return StepPath(mission.name)
    return None


def _holds(declared: Declared[Node], path: str, offset: int) -> bool:
    start, end = declared.absolute(declared.node.span)
    return declared.path == path and start <= offset < end


def _deepest(address: StepPath, steps: _Steps, offset: int) -> StepPath:
    for index, placed in enumerate(steps):
        inner = offset - placed.start
        if 0 <= inner < placed.node.span.end:
            address = address.child(index)
            for name, block in _named_once(placed.node):
                if block and block[0].start <= inner < _end(block):
                    return _deepest(address.child(name), block, inner)
            return address
    return address


def _named_once(step: Step) -> Iterator[tuple[str, _Steps]]:
    return ((name, steps) for name, steps in _blocks(step) if name != "catch")


def _end(steps: _Steps) -> int:
    return steps[-1].start + steps[-1].node.span.end


# ---------------------------------------------------------------- hashes


def action_hash(mission: MissionProgram, action: Action | str) -> str:
    """A hash of what an action means, as 64 hexadecimal digits.

    Raises:
        KeyError: when the mission has no action of this name.
    """
    node = mission.actions[action].node if isinstance(action, str) else action
    return node_hash(node)
