"""Steps of the tree as steps of the plan: addresses, places, guards and anchors settled.

One `StepBuilder` serves one action. What a run could not do yet is collected as problems for
`plan/build.py`, never left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reqon.errors import Place
from reqon.plan import model
from reqon.plan.options import OptionReader, bare, whole_number, word_of
from vague.ast.base import Identifier, Node, Placed
from vague.ast.expressions import (
    ContextField,
    Entry,
    Expression,
    FieldAccess,
    IndexAccess,
    LastSync,
    Name,
    ObjectLiteral,
)
from vague.ast.steps import (
    Abort,
    Apply,
    Arm,
    Assume,
    Block,
    CallOperation,
    Clear,
    Continue,
    CustomStep,
    DeleteRecord,
    ErrorStep,
    ForEach,
    Jump,
    Let,
    Map,
    MatchStep,
    MisplacedMember,
    Queue,
    Request,
    Retry,
    Run,
    Skip,
    Step,
    StoreRecord,
    Validate,
    Wait,
)
from vague.ast.walk import walk
from vague.step_path import StepPath
from vague.text import SourceText, Span

DEFAULT_QUEUE = "dlq"
_TEXT_LENGTH = 100
_LATER: Mapping[type[Step], str] = {CallOperation: "call", Wait: "wait"}
_IDENTITY = ("id", "key", "code", "uuid")


@dataclass(frozen=True, slots=True)
class TextPlace:
    """The file that steps stand in, and the absolute offset of the element around them."""

    file: str
    source: SourceText
    start: int

    def within(self, placed: Placed[Any]) -> TextPlace:
        """The place of an element that is placed relative to this one."""
        return TextPlace(self.file, self.source, self.start + placed.start)

    def place(self, span: Span) -> Place:
        """Line and column of a span that is relative to this element."""
        location = self.source.location(self.start + span.start)
        return Place(self.file, location.line, location.column)

    def text(self, end: int, start: int = 0) -> str:
        """The element's own text up to `end`, in one line."""
        raw = self.source.text[self.start + start : self.start + end]
        line = " ".join(raw.split())
        return line if len(line) <= _TEXT_LENGTH else line[: _TEXT_LENGTH - 1] + "…"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something that cannot run yet, with its absolute span, and the names that could."""

    what: str
    file: str
    span: Span
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Around:
    """A list of steps around a place: where it is, and how far the place is into it.

    `by_match`: the next list outward is reached through a `match`. `body`: the list is a body
    that a search for an anchor does not leave.
    """

    path: StepPath
    steps: tuple[Step, ...]
    index: int
    by_match: bool
    body: bool
    outer: _Around | None


_Builder: TypeAlias = Callable[["StepBuilder", Any, "_Spot"], model.StepPlan | None]


@dataclass(frozen=True, slots=True)
class _Spot:
    """The step being built: its site, text and surroundings."""

    site: model.Site
    text: TextPlace
    around: _Around
    parks: bool


class StepBuilder:
    """Builds the steps of one action."""

    def __init__(self, options: OptionReader, schemas: frozenset[str], custom: frozenset[str]):
        self.options = options
        self.schemas = schemas
        self.custom = custom
        self.unsupported: list[Unsupported] = []

    def block(
        self,
        placed: tuple[Placed[Step], ...],
        path: StepPath,
        text: TextPlace,
        outer: _Around | None = None,
        *,
        body: bool = False,
        by_match: bool = False,
        parks: bool = False,
    ) -> model.BlockPlan:
        """The steps of one list. `body`: the search for an anchor ends at its start."""
        nodes = tuple(one.node for one in placed)
        steps: list[model.StepPlan] = []
        for index, one in enumerate(placed):
            around = _Around(path, nodes, index, by_match, body, outer)
            inner = text.within(one)
            site = model.Site(
                path.child(index),
                inner.text(_head_end(one.node)),
                inner.place(Span(0, 0)),
            )
            step = self._step(one.node, _Spot(site, inner, around, parks))
            if step is not None:
                steps.append(step)
        return model.BlockPlan(path, tuple(steps))

    def _step(self, node: Step, spot: _Spot) -> model.StepPlan | None:
        return _BUILDERS[type(node)](self, node, spot)

    def refuse(self, what: str, text: TextPlace, span: Span) -> None:
        """Note something that cannot run yet."""
        self.unsupported.append(Unsupported(what, text.file, span.shifted(text.start)))

    # -------------------------------------------------------------- steps

    def request(self, node: Request, spot: _Spot) -> model.StepPlan | None:
        """A request with its options in plan form."""
        options = dict(self.options.read(node.options, "request"))
        if "rateLimit" in options:
            self.refuse("option 'rateLimit'", spot.text, options["rateLimit"].span)
        until = options.pop("until", None)
        paginate = self.options.paginate(options, until)
        named = node.source or node.from_source
        written = options.pop("source", None)
        for name in ("paginate", "sinceParam", "sinceFormat", "syncKey", "updateFrom"):
            options.pop(name, None)
        for name in ("sinceOverlap", "since", "rateLimit"):
            options.pop(name, None)
        retry = options.pop("retry", None)
        return model.RequestPlan(
            site=spot.site,
            method=node.method.upper(),
            source=named.text if named is not None else written,
            path=bare(node.path),
            options=options,
            retry=None if retry is None else {"retry": retry},
            paginate=paginate,
            until=until if paginate is not None else None,
            since=self.options.since(node.options),
            guarded=_is_guarded(spot.around),
            counts_pages=until is not None and _names_page(until, paginate),
        )

    def for_each(self, node: ForEach, spot: _Spot) -> model.StepPlan:
        """A loop; its body is a list that an anchor may lie outside of, unless it is parallel."""
        parallel = node.parallel
        width = None if parallel is None else parallel.width
        every = None if node.checkpoint is None else whole_number(node.checkpoint.every)
        body = self.block(
            node.body.steps,
            spot.site.path.child("body"),
            spot.text,
            spot.around,
            body=parallel is not None,
        )
        return model.ForEachPlan(
            site=spot.site,
            variable=node.variable.text,
            collection=node.collection,
            where=node.where,
            every=every,
            parallel=parallel is not None,
            width=width,
            body=body,
            identity=_identity(node),
        )

    def map(self, node: Map, spot: _Spot) -> model.StepPlan:
        """A `map`; a target that is no schema and begins with a small letter is a variable."""
        target = node.target.text
        binds = target not in self.schemas and not target[0].isupper()
        return model.MapPlan(spot.site, node.value, target, binds, node.body)

    def validate(self, node: Validate, spot: _Spot) -> model.StepPlan:
        """A `validate` with its `or`."""
        otherwise = node.otherwise
        return model.ValidatePlan(
            spot.site,
            node.subject,
            tuple(_assume(one, spot.text) for one in node.assumptions),
            None
            if otherwise is None
            else self.block(
                otherwise.steps, spot.site.path.child("or"), spot.text, spot.around, body=True
            ),
        )

    def store_record(self, node: StoreRecord, spot: _Spot) -> model.StepPlan:
        """A `store` step."""
        options = self.options.read(node.options, "store")
        return model.StoreRecordPlan(spot.site, node.each, node.value, node.target.text, options)

    def delete_record(self, node: DeleteRecord, spot: _Spot) -> model.StepPlan:
        """A `delete` step."""
        return model.DeleteRecordPlan(spot.site, node.store.text, node.key)

    def clear(self, node: Clear, spot: _Spot) -> model.StepPlan:
        """A `clear` step."""
        return model.ClearPlan(spot.site, node.store.text)

    def match(self, node: MatchStep, spot: _Spot) -> model.StepPlan:
        """A `match` with its arms; a `catch` body is one that an anchor does not lie outside of."""
        catch = node.catch
        return model.MatchPlan(
            spot.site,
            node.subject,
            tuple(self._arm(arm, f"arm:{n}", spot, body=False) for n, arm in enumerate(node.arms)),
            None
            if catch is None
            else tuple(
                self._arm(arm, f"catch:{n}", spot, body=True) for n, arm in enumerate(catch)
            ),
        )

    def _arm(self, arm: Arm, segment: str, spot: _Spot, *, body: bool) -> model.ArmPlan:
        path = spot.site.path.child(segment)
        match arm.body:
            case Block(steps=steps):
                block = self.block(
                    steps, path, spot.text, spot.around, body=body, by_match=not body
                )
            case Placed() as placed:
                block = self.block(
                    (placed,), path, spot.text, spot.around, body=body, by_match=not body,
                    parks=True,
                )  # fmt: skip
            case Identifier(text=name, span=span):
                stage = model.StagePlan((name,), None)
                site = model.Site(path.child(0), f"run {name}", spot.text.place(span))
                block = model.BlockPlan(path, (model.RunPlan(site, (stage,)),))
        return model.ArmPlan(arm.head, arm.guard, block)

    def let(self, node: Let, spot: _Spot) -> model.StepPlan:
        """A `let`."""
        return model.LetPlan(spot.site, node.name.text, node.value)

    def apply(self, node: Apply, spot: _Spot) -> model.StepPlan:
        """An `apply`."""
        alias = None if node.alias is None else node.alias.text
        return model.ApplyPlan(spot.site, node.transform.text, node.value, alias)

    def run(self, node: Run, spot: _Spot) -> model.StepPlan:
        """A pipeline as a step."""
        return model.RunPlan(spot.site, stages(node))

    # -------------------------------------------------------------- directives

    def go_on(self, _node: Continue, spot: _Spot) -> model.StepPlan:
        """A `continue`."""
        return model.ContinuePlan(spot.site, _in_arm(spot.around))

    def skip(self, _node: Skip, spot: _Spot) -> model.StepPlan:
        """A `skip`."""
        return model.SkipPlan(spot.site)

    def abort(self, node: Abort, spot: _Spot) -> model.StepPlan:
        """An `abort`."""
        return model.AbortPlan(spot.site, node.message)

    def retry(self, node: Retry, spot: _Spot) -> model.StepPlan:
        """A `retry` and where it goes back to."""
        options = self.options.read(node.options, "retry")
        return model.RetryPlan(spot.site, options, _anchor(spot.around))

    def queue(self, node: Queue, spot: _Spot) -> model.StepPlan:
        """A `queue`; without a store it means `dlq`."""
        store = DEFAULT_QUEUE if node.store is None else node.store.text
        options = self.options.read(node.options, "queue")
        return model.QueuePlan(spot.site, store, options, spot.parks)

    def jump(self, node: Jump, spot: _Spot) -> model.StepPlan:
        """A `jump` and, with `then retry`, where it goes back to."""
        then = node.then or "continue"
        anchor = _anchor(spot.around) if then == "retry" else None
        return model.JumpPlan(spot.site, node.action.text, then, anchor)

    # -------------------------------------------------------------- the rest

    def custom_step(self, node: CustomStep, spot: _Spot) -> model.StepPlan | None:
        """A registered step; an unregistered one cannot run."""
        if node.name.text not in self.custom:
            self.refuse(f"step '{node.name.text}'", spot.text, node.name.span)
            return None
        found = {
            entry.key.text: entry.value
            for entry in node.options.entries
            if isinstance(entry, Entry) and not isinstance(entry.value, LastSync)
        }
        return model.CustomStepPlan(spot.site, node.name.text, found)

    def not_yet(self, node: Step, spot: _Spot) -> model.StepPlan | None:
        """A step that a later version will run."""
        word = _LATER.get(type(node), "this step")
        self.refuse(f"step '{word}'", spot.text, node.span)
        return None


_BUILDERS: Mapping[type[Step], _Builder] = {
    Request: StepBuilder.request,
    CallOperation: StepBuilder.not_yet,
    ForEach: StepBuilder.for_each,
    Map: StepBuilder.map,
    Validate: StepBuilder.validate,
    StoreRecord: StepBuilder.store_record,
    DeleteRecord: StepBuilder.delete_record,
    Clear: StepBuilder.clear,
    MatchStep: StepBuilder.match,
    Let: StepBuilder.let,
    Wait: StepBuilder.not_yet,
    Apply: StepBuilder.apply,
    Run: StepBuilder.run,
    Continue: StepBuilder.go_on,
    Skip: StepBuilder.skip,
    Abort: StepBuilder.abort,
    Retry: StepBuilder.retry,
    Queue: StepBuilder.queue,
    Jump: StepBuilder.jump,
    CustomStep: StepBuilder.custom_step,
    MisplacedMember: StepBuilder.not_yet,
    ErrorStep: StepBuilder.not_yet,
}


def stages(run: Run) -> tuple[model.StagePlan, ...]:
    """The stages of a pipeline."""
    return tuple(
        model.StagePlan(tuple(name.text for name in stage.actions), stage.condition)
        for stage in run.stages
    )


# ---------------------------------------------------------------- texts


def _head_end(node: Node) -> int:
    """Where the part of a step ends by which people recognise it."""
    last: Node | None
    word = ""
    match node:
        case ForEach(body=body):
            return body.span.start
        case Request(path=path, from_source=source):
            last = source or path
        case Map(target=target) | StoreRecord(target=target):
            last = target
        case Validate(subject=last):
            word = "validate"
        case MatchStep(subject=last):
            word = "match"
        case Queue(store=last):
            word = "queue"
        case Retry():
            last, word = None, "retry"
        case _:
            last = node
    return len(word) if last is None else last.span.end


def _assume(node: Assume, text: TextPlace) -> model.AssumePlan:
    condition = node.condition
    return model.AssumePlan(
        condition,
        text.text(condition.span.end, condition.span.start),
        text.place(condition.span),
    )


# ---------------------------------------------------------------- what a step needs to know


def _is_guarded(around: _Around) -> bool:
    """Whether the next step of the list, `let`s left out, is a `match` on `response`."""
    for node in around.steps[around.index + 1 :]:
        if isinstance(node, Let):
            continue
        if not isinstance(node, MatchStep) or node.subject is None:
            return False
        return _is_of_response(node.subject)
    return False


def _is_of_response(expression: Expression) -> bool:
    """Whether it is `response`, or a property of it: `response.error`, `response["error"]`."""
    plain = bare(expression)
    while isinstance(plain, FieldAccess | IndexAccess):
        plain = bare(plain.target)
    return isinstance(plain, Name) and plain.text == "response"


def _names_page(until: Expression, paginate: model.PaginatePlan | None) -> bool:
    names = {"page"}
    parameter = None if paginate is None else paginate.options.get("param")
    if parameter is not None:
        names.add(word_of(parameter) or "")
    return any(isinstance(node, Name) and node.text in names for node in walk(until))


def _anchor(around: _Around) -> model.Anchor:
    """The nearest request before the innermost match around, else the start of the body."""
    place: _Around | None = around
    while place is not None and not place.by_match and not place.body:
        place = place.outer
    start = place.outer if place is not None and place.by_match else None
    found = start or around
    while True:
        for index in range(found.index - 1, -1, -1):
            if isinstance(found.steps[index], Request | CallOperation):
                return model.Anchor(found.path, index, request=True)
        if found.body or found.outer is None:
            return model.Anchor(found.path, 0, request=False)
        found = found.outer


def _in_arm(around: _Around | None) -> bool:
    """Whether a place is in an arm, without a parallel body in between."""
    while around is not None:
        segment = str(around.path.segments[-1]) if around.path.segments else ""
        if segment.startswith(("arm:", "catch:")):
            return True
        if around.body and segment == "body":
            return False
        around = around.outer
    return False


def _identity(loop: ForEach) -> tuple[str, ...]:
    """The fields of the element that `key:` expressions in the body read, then the usual ones."""
    found: list[str] = []
    for node in walk(loop.body):
        if not isinstance(node, StoreRecord | Queue) or node.options is None:
            continue
        value = node.value if isinstance(node, StoreRecord) else None
        of_element = value is not None and _is_name(value, loop.variable.text)
        key = _key_of(node.options)
        for part in () if key is None else walk(key):
            match part:
                case FieldAccess(target=Name(text=text), name=name) if text == loop.variable.text:
                    found.append(name.text)
                case ContextField(name=name) if of_element:
                    found.append(name.text)
                case _:
                    pass
    return tuple(dict.fromkeys((*found, *_IDENTITY)))


def _is_name(expression: Expression, name: str) -> bool:
    plain = bare(expression)
    return isinstance(plain, Name) and plain.text == name


def _key_of(options: ObjectLiteral) -> Expression | None:
    for entry in options.entries:
        if isinstance(entry, Entry) and entry.key.text == "key":
            return None if isinstance(entry.value, LastSync) else entry.value
    return None
