"""Rules about the course of a run: steps and arms never reached, retries, checkpoints, waits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vague.ast.base import Node
from vague.ast.definitions import Action, Transform
from vague.ast.expressions import (
    BooleanLiteral,
    Call,
    ContextField,
    Entry,
    Expression,
    ExpressionArm,
    Name,
    NamePattern,
    StringLiteral,
    ValuePattern,
    WildcardPattern,
)
from vague.ast.steps import (
    Abort,
    Arm,
    CheckpointClause,
    Continue,
    ErrorStep,
    ForEach,
    Jump,
    Retry,
    Skip,
    Stage,
    Wait,
)
from vague.ast.walk import walk as walk_nodes
from vague.diagnostics import Fix
from vague.rules.registry import RuleTable
from vague.rules.wording import replacement
from vague.text import Span
from vague.traversal.events import Arms, Bound, ElementEnd
from vague.traversal.options import option_of
from vague.traversal.scopes import BindingKind
from vague.traversal.state import ListFrame, Walk

FLOW = RuleTable()

# ---------------------------------------------------------------- steps never reached


@FLOW.on(Abort, Skip, Retry, Jump)
def check_following_step(step: Abort | Skip | Retry | Jump, walk: Walk) -> None:
    """RQ407: nothing behind these in the same list ever runs."""
    if isinstance(step, Jump) and step.then != "retry":
        return
    walk.look_around()
    frame = walk.frames[-1]
    if frame.index + 1 >= len(frame.steps):
        return
    list_start = walk.base - frame.steps[frame.index].start
    first, last = frame.steps[frame.index + 1], frame.steps[-1]
    span = Span(list_start + first.start, list_start + first.start + first.node.span.end)
    if isinstance(first.node, ErrorStep):
        return
    end = list_start + last.start + last.node.span.end
    edit = walk.edit(Span(walk.span(step).end, end), "")
    fixes = (Fix("remove what never runs", (edit,), safe=False),)
    word = "jump … then retry" if isinstance(step, Jump) else type(step).__name__.lower()
    help_text = f"remove it, or put it before '{word}'"
    walk.report("RQ407", span, f"step never runs: it stands behind '{word}'", help_text, fixes)


@FLOW.on(Continue)
def check_continue(step: Continue, walk: Walk) -> None:
    """RQ412: `continue` ends an arm, so outside one it does nothing."""
    if any(frame.entered_by in ("arm", "catch") for frame in walk.frames):
        return
    fixes = (replacement(walk, step, "skip", safe=False),)
    help_text = "write 'skip' to go on with the next item"
    walk.report("RQ412", step, "'continue' outside a match arm does nothing", help_text, fixes)


@FLOW.on(Retry, Jump)
def check_anchor(step: Retry | Jump, walk: Walk) -> None:
    """RQ413: without a request to repeat, the whole action starts again."""
    if isinstance(step, Jump) and step.then != "retry":
        return
    if _finds_anchor(walk.frames):
        return
    if isinstance(step, Retry):
        start = walk.span(step).start
        span, word = Span(start, start + len("retry")), "retry"
    else:
        span, word = walk.span(step), "jump … then retry"
    message = f"'{word}' without an earlier request restarts the whole action"
    walk.report("RQ413", span, message, "put it behind the request that it shall repeat")


_BARRIERS = frozenset({"or", "catch", "parallel"})


def _finds_anchor(frames: list[ListFrame]) -> bool:
    """Whether a request is found, or the start of a block that the search does not leave."""
    position = inside = len(frames) - 1
    while inside >= 0 and frames[inside].entered_by not in _BARRIERS | {"arm"}:
        inside -= 1
    if inside >= 0 and frames[inside].entered_by == "arm":
        position = inside - 1
    while position >= 0:
        if frames[position].follows_request or frames[position].entered_by in _BARRIERS:
            return True
        position -= 1
    return False


# ---------------------------------------------------------------- arms


@FLOW.on(Arms)
def check_arms(event: Arms, walk: Walk) -> None:
    """RQ408 and RQ409."""
    caught = False
    for arm in event.arms:
        if caught:
            span = _arm_span(arm, walk)
            message = "arm never runs: an arm before it catches everything"
            walk.report("RQ408", span, message, "put the arm that catches everything last")
        caught = caught or _catches_all(arm, event)
    if not caught and event.form == "step":
        fixes = _with_catch_all(event, walk)
        message = "'match' without an arm that catches everything fails when no arm fits"
        walk.report("RQ409", event.span, message, "add '_ -> continue'", fixes)


def _arm_span(arm: Arm | ExpressionArm, walk: Walk) -> Span:
    return walk.span(arm.head)


def _catches_all(arm: Arm | ExpressionArm, event: Arms) -> bool:
    if arm.guard is not None:
        return False
    head = arm.head
    if isinstance(head, WildcardPattern):
        return True
    if not event.has_subject:
        return isinstance(head, ValuePattern) and _is_true(head.value)
    return isinstance(head, NamePattern) and not head.text[:1].isupper()


def _is_true(value: Expression) -> bool:
    return isinstance(value, BooleanLiteral) and value.value


def _with_catch_all(event: Arms, walk: Walk) -> tuple[Fix, ...]:
    """Behind the last arm, on a line of its own if that arm has one."""
    if not event.arms:
        return ()
    last = event.arms[-1]
    start, end = walk.span(last)
    between = walk.text(Span(event.span.end, start))
    line = between.rpartition("\n")[2]
    separator = f"\n{line}" if "\n" in between and not line.strip() else ", "
    edit = walk.edit(Span(end, end), f"{separator}_ -> continue")
    return (Fix("add '_ -> continue'", (edit,), safe=False),)


@FLOW.on(Transform)
def check_variants(transform: Transform, walk: Walk) -> None:
    """RQ408 for variants behind an unguarded `(_)`."""
    caught = False
    for variant in transform.variants:
        if caught:
            message = "variant never used: one before it takes every input"
            help_text = "put the variant '(_)' last"
            walk.report("RQ408", _head_of(variant, walk), message, help_text)
        caught = caught or (variant.input is None and variant.guard is None)


def _head_of(variant: Node, walk: Walk) -> Span:
    """`(Input)` at the start of a variant."""
    span = walk.span(variant)
    found = re.match(r"\([^)]*\)", walk.text(span))
    return Span(span.start, span.start + (found.end() if found else 1))


@FLOW.on(Arm, ExpressionArm)
def check_arm_binding(arm: Arm | ExpressionArm, walk: Walk) -> None:
    """RQ421: a lone name in an arm is bound anew, it does not compare."""
    head = arm.head
    if not isinstance(head, NamePattern) or not _is_visible_variable(head, walk):
        return
    name = head.text
    other = next(word for word in ("v", "value", "other") if word != name)
    fixes: tuple[Fix, ...] = ()
    if arm.guard is None:
        fixes = (replacement(walk, head, f"{other} where {other} == {name}", safe=False),)
    message = f"'{name}' is bound anew here and matches anything"
    help_text = f"write '{other} where {other} == {name}' to compare"
    walk.report("RQ421", head, message, help_text, fixes)


def _is_visible_variable(head: NamePattern, walk: Walk) -> bool:
    if head.text[:1].isupper() or walk.has("schema", head.text):
        return False
    kind, binding = walk.resolve(head.text)
    return binding is not None or kind == "let"


# ---------------------------------------------------------------- loops and waits


@FLOW.on(CheckpointClause)
def check_checkpoint_has_effect(clause: CheckpointClause, walk: Walk) -> None:
    """RQ411: nothing is kept where `enableState` is false."""
    if walk.surroundings.enables_state:
        return
    span = walk.span(clause)
    before = walk.start_of_line(span.start)
    start = span.start - (len(before) - len(before.rstrip(" \t")))
    fixes = (Fix("remove the clause", (walk.edit(Span(start, span.end), ""),)),)
    message = "checkpoint has no effect: the mission has 'enableState: false'"
    help_text = "remove the clause, or let the mission keep its state"
    walk.report("RQ411", span, message, help_text, fixes)


@FLOW.on(Wait)
def check_wait_in_parallel(step: Wait, walk: Walk) -> None:
    """RQ422: iterations that run at once need paths of their own."""
    loop = _parallel_loop(walk)
    path = option_of(step.options, "path")
    if loop is None or path is None or _depends_on_item(path, walk):
        return
    name = loop.variable.text
    message = "'wait' in a parallel loop has the same path for every item"
    help_text = f"put the item's id into the path, such as '/hooks/{{{name}.id}}'"
    walk.report("RQ422", path.value, message, help_text)


def _parallel_loop(walk: Walk) -> ForEach | None:
    return next((loop for loop in reversed(walk.loops) if loop.parallel is not None), None)


_VARYING_NAMES = frozenset({"response", "webhook", "request", "currentRequest"})
_VARYING_FUNCTIONS = frozenset({"uuid", "generateId"})
_PLACEHOLDER = re.compile(r"\{\s*([A-Za-z_]\w*)")


def _depends_on_item(path: Entry, walk: Walk) -> bool:
    """Whether anything in the path can differ from item to item."""
    return any(_varies(name, walk) for name in _names_in(path.value))


def _names_in(value: Node) -> Iterator[str]:
    for node in walk_nodes(value):
        if isinstance(node, Name):
            yield node.text
        elif isinstance(node, ContextField):
            yield "response"
        elif isinstance(node, StringLiteral):
            yield from _PLACEHOLDER.findall(node.value.replace("{{", ""))
        elif isinstance(node, Call) and isinstance(node.callee, Name):
            yield f"{node.callee.text}()"


def _varies(name: str, walk: Walk) -> bool:
    if name.endswith("()"):
        return name[:-2] in _VARYING_FUNCTIONS
    return name in _VARYING_NAMES or walk.scope.find(name) is not None


# ---------------------------------------------------------------- actions and variables


@FLOW.on(Action)
def check_empty_action(action: Action, walk: Walk) -> None:
    """RQ416: an action without steps."""
    if not action.steps:
        message = f"action '{action.name.text}' has no steps"
        walk.report("RQ416", action.name, message)


@FLOW.on(Stage)
def check_group(stage: Stage, walk: Walk) -> None:
    """RQ117 and RQ420."""
    if not stage.actions:
        message = "empty group: a stage needs at least one action"
        walk.report("RQ117", stage, message, "write the names of actions between '[' and ']'")
    seen: dict[str, Span] = {}
    before: Span | None = None
    for action in stage.actions:
        span = walk.span(action)
        if action.text in seen and before is not None:
            related = (walk.related(seen[action.text], "first here"),)
            fixes = (Fix("remove it", (walk.edit(Span(before.end, span.end), ""),), safe=False),)
            message = f"action '{action.text}' is twice in one group"
            walk.report(
                "RQ420", span, message, "an action runs once at a time", fixes, related=related
            )
        seen.setdefault(action.text, span)
        before = span


_EXEMPT = frozenset(
    {BindingKind.PARAMETER, BindingKind.TARGET, BindingKind.FAILURES, BindingKind.PAGE}
)


@FLOW.on(ElementEnd)
def check_unused_variables(_: ElementEnd, walk: Walk) -> None:
    """RQ406 for what an action binds; a mission's own `let`s are looked at as a whole."""
    for binding, span in walk.found.unused():
        if binding.kind in _EXEMPT or binding.name.startswith("_"):
            continue
        fixes = (replacement(walk, span, f"_{binding.name}"),)
        message = f"{binding.kind.value} '{binding.name}' is never used"
        help_text = f"remove it, or call it '_{binding.name}'"
        walk.report("RQ406", span, message, help_text, fixes)


@FLOW.on(Bound)
def check_bound(event: Bound, walk: Walk) -> None:
    """RQ108, RQ115 and RQ504."""
    binding, clash = event.binding, event.clash
    name = binding.name
    if name == "response":
        message = "a variable cannot be called 'response'"
        walk.report("RQ108", binding.span, message, "'response' is the last reply: rename it")
        return
    if clash is not None and clash.kind is not BindingKind.TARGET:
        related = (walk.related(clash.span, "first bound here"),)
        message = f"'{name}' is already bound in this {_place(binding.kind)}"
        walk.report("RQ115", binding.span, message, "use another name", related=related)
    hidden = next((kind for kind in ("store", "source") if walk.has(kind, name)), None)
    if hidden is not None and binding.kind is not BindingKind.PARAMETER:
        message = f"{binding.kind.value} '{name}' hides the {hidden} '{name}'"
        walk.report("RQ504", binding.span, message, "rename it to read both")


def _place(kind: BindingKind) -> str:
    return "pattern" if kind is BindingKind.PATTERN else "block"
