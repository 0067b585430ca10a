"""Rules about single elements that stand in the wrong place or lack what they need."""

from __future__ import annotations

from vague.ast.base import Node
from vague.ast.definitions import (
    Action,
    Dataset,
    ErrorMember,
    Import,
    Mission,
    Option,
    Schedule,
    Schema,
    Source,
    Store,
    Transform,
)
from vague.ast.steps import (
    Abort,
    Apply,
    CallOperation,
    CheckpointClause,
    Clear,
    Continue,
    CustomStep,
    DeleteRecord,
    ForEach,
    Jump,
    Let,
    Map,
    MatchStep,
    MisplacedMember,
    ParallelClause,
    Queue,
    Request,
    Retry,
    Run,
    Skip,
    StoreRecord,
    Validate,
    Wait,
    WhereClause,
)
from vague.rules.registry import RuleTable
from vague.text import Span
from vague.traversal.state import Walk

STRUCTURE = RuleTable()

WORDS: dict[type, str] = {
    Mission: "mission", Source: "source", Store: "store", Schema: "schema",
    Transform: "transform", Action: "action", Import: "import", Dataset: "dataset",
    Schedule: "schedule", Run: "run", Let: "let", CallOperation: "call", ForEach: "for",
    Map: "map", Validate: "validate", StoreRecord: "store", DeleteRecord: "delete",
    Clear: "clear", MatchStep: "match", Wait: "wait", Apply: "apply", Continue: "continue",
    Skip: "skip", Abort: "abort", Retry: "retry", Queue: "queue", Jump: "jump",
}  # fmt: skip
"""The word that each element begins with."""


def first_word(node: Node) -> tuple[str, Span]:
    """The word that an element begins with, and its span from the start of the element."""
    node = node.member if isinstance(node, MisplacedMember) else node
    if isinstance(node, Option):
        return node.key.text, node.key.span
    if isinstance(node, CustomStep):
        return node.name.text, node.name.span
    word = node.method if isinstance(node, Request) else WORDS.get(type(node), "")
    return word, Span(node.span.start, node.span.start + len(word))


_MEMBERS = (
    Schedule,
    Option,
    Source,
    Store,
    Schema,
    Transform,
    Action,
    Import,
    Let,
    Run,
    ErrorMember,
)


def misplaced_in_mission(node: Node) -> str | None:
    """Where a node belongs that stands in a mission and must not, None for one that may."""
    node = node.member if isinstance(node, MisplacedMember) else node
    if isinstance(node, _MEMBERS):
        return None
    if isinstance(node, Dataset | Mission):
        return "move it to the top level of the file"
    return "move it into an action"


def misplaced_at_top(node: Node) -> str | None:
    """Where a node belongs that stands at the top level and must not."""
    if isinstance(node, Schedule | Option | Run):
        return "move it into a mission"
    top = (Mission, Import, Dataset, Source, Store, Schema, Transform, Action, Let, ErrorMember)
    return None if isinstance(node, top) else "move it into an action of a mission"


@STRUCTURE.on(MisplacedMember)
def check_misplaced(step: MisplacedMember, walk: Walk) -> None:
    """RQ113 for a member in an action."""
    word, span = first_word(step.member)
    message = f"'{word}' is not allowed in an action"
    walk.report("RQ113", span.shifted(walk.base), message, "move it out, into the mission")


@STRUCTURE.on(Transform)
def check_variants(transform: Transform, walk: Walk) -> None:
    """RQ116: at least one variant, and one target for all."""
    if not transform.variants:
        message = f"transform '{transform.name.text}' has no variants"
        help_text = "add one, such as '(_) -> Target { … }'"
        walk.report("RQ116", transform.name, message, help_text)
        return
    first = transform.variants[0].target
    for variant in transform.variants[1:]:
        if variant.target.text != first.text:
            related = (walk.related(walk.span(first), f"'{first.text}' is named here"),)
            message = (
                f"all variants must have the target '{first.text}', not '{variant.target.text}'"
            )
            help_text = "put the variants of another target into a transform of their own"
            walk.report("RQ116", variant.target, message, help_text, related=related)


_CLAUSES = {WhereClause: "where", CheckpointClause: "checkpoint every", ParallelClause: "parallel"}


@STRUCTURE.on(ForEach)
def check_clauses(step: ForEach, walk: Walk) -> None:
    """RQ302 for a clause of a loop that is written twice."""
    first: dict[type, Span] = {}
    for clause in step.clauses:
        span = walk.span(clause)
        before = first.setdefault(type(clause), span)
        if before != span:
            word = _CLAUSES[type(clause)]
            related = (walk.related(before, "first one here"),)
            message = f"'{word}' is given twice"
            walk.report("RQ302", span, message, "remove one of them", related=related)
