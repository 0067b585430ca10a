"""The state of one walk over one element: where it is, what is bound, what was found.

Rules get it beside each node. They ask for the meaning of names and report problems; only the
walk itself moves it. Spans that leave here count from the start of the element.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict, Unpack

from vague.ast.base import Node, Placed
from vague.ast.expressions import Expression
from vague.ast.steps import ForEach, Step
from vague.codes import SEVERITIES
from vague.diagnostics import Diagnostic, Fix, RelatedPlace, Severity, TextEdit
from vague.program import Declared
from vague.text import Span
from vague.traversal.events import Kind, NameUse
from vague.traversal.findings import Found, KnownStretches, Occurrence
from vague.traversal.scopes import (
    NO_CONTEXT,
    Binding,
    BindingKind,
    Context,
    Layer,
    Scope,
)
from vague.traversal.surroundings import ANY_NAME, EarlierLets, Surroundings
from vague.vocabulary.kinds import AMBIENT_NAMES, ELEMENT_NAMES

Rule: TypeAlias = Callable[[Any, "Walk"], None]
Rules: TypeAlias = Mapping[type, tuple[Rule, ...]]


@dataclass(slots=True, eq=False)
class ListFrame:
    """A list of steps that is being walked, and the step that the walk is at.

    `entered_by` tells what holds the list: `action`, `for`, `parallel`, `or`, `arm`, `catch`;
    `follows_request`: a request of this list stands before the step.
    """

    steps: tuple[Placed[Step], ...]
    entered_by: str
    index: int = 0
    follows_request: bool = False


class More(TypedDict, total=False):
    """What few reports have: other places, and a severity that is not the code's own."""

    related: tuple[RelatedPlace, ...]
    severity: Severity


class Walk:
    """The walk over one element for one mission.

    `base` is where the current step begins. It and all spans count from the `origin`, which is the
    start of the element or of a stretch of its steps. `known` are the stretches of an earlier walk;
    None keeps the walk from cutting the element into stretches. `origins` tells what the spans of
    the bindings of earlier stretches count from.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        rules: Rules,
        element: Declared[Node],
        layer: Layer,
        context: Context,
    ) -> None:
        self.surroundings = surroundings
        self.rules = rules
        self.element = element
        self.layer: Layer = layer
        self.context = context
        self.scope = Scope()
        self.base = 0
        self.origin = 0
        self.frames: list[ListFrame] = []
        self.loops: list[ForEach] = []
        self.found = Found()
        self.lets: EarlierLets | None = None
        self.known: KnownStretches | None = None
        self.origins: dict[Binding, int] = {}

    # -------------------------------------------------------------- telling rules

    def tell(self, event: object) -> None:
        """Run the rules that are registered for this node or event."""
        for rule in self.rules.get(type(event), ()):
            rule(event, self)

    def report(
        self,
        code: str,
        at: Node | Span,
        message: str,
        help_text: str | None = None,
        fixes: tuple[Fix, ...] = (),
        **more: Unpack[More],
    ) -> None:
        """Add a problem at a node, or at a span that counts from the start of the element."""
        self.found.findings.append(
            Diagnostic(
                code,
                more.get("severity", SEVERITIES[code]),
                self.element.path,
                self.span(at) if isinstance(at, Node) else at,
                message,
                help_text,
                fixes,
                more.get("related", ()),
            )
        )

    def span(self, node: Node) -> Span:
        """The span of a node of the current step, counted from the start of the element."""
        start, end = node.span
        return Span(start + self.base, end + self.base)

    def text(self, span: Span) -> str:
        """The program text at a span."""
        start = self.element.start + self.origin
        return self._whole_text()[start + span.start : start + span.end]

    def rest_of_line(self, offset: int) -> str:
        """The text from an offset up to the end of the element, but no further than its line."""
        text = self._whole_text()
        start = self.element.start + self.origin + offset
        end = self.element.start + self.element.node.span.end
        line_end = text.find("\n", start, end) + 1
        return text[start : line_end or end]

    def start_of_line(self, offset: int) -> str:
        """The text of a line up to an offset."""
        text = self._whole_text()
        end = self.element.start + self.origin + offset
        return text[text.rfind("\n", 0, end) + 1 : end]

    def text_before(self) -> str:
        """The rest of the line before the element; a line break ends it."""
        text = self._whole_text()
        start = text.rfind("\n", 0, self.element.start) + 1
        return text[start : self.element.start]

    def _whole_text(self) -> str:
        source = self.surroundings.program.files.get(self.element.path)
        return "" if source is None else source.parsed.source.text

    def edit(self, at: Node | Span, text: str) -> TextEdit:
        """An edit that puts `text` in place of a node."""
        return TextEdit(self.span(at) if isinstance(at, Node) else at, text)

    def related(self, span: Span, message: str) -> RelatedPlace:
        """Another place of the same element."""
        return RelatedPlace(self.element.path, span, message)

    # -------------------------------------------------------------- asking for names

    def has(self, kind: Kind, name: str) -> bool:
        """Whether the mission has such a thing; the result of the element depends on it."""
        self.found.asked.add((kind, name))
        if kind == "let" and self.lets is not None:
            return name in self.lets
        return name in self.surroundings.tables[kind]

    def has_anywhere(self, kind: Kind, name: str) -> bool:
        """Whether the mission has such a thing, be it out of sight here."""
        self.found.asked.add((kind, name))
        return name in self.surroundings.tables[kind]

    def names(self, kind: Kind) -> list[str]:
        """All names of a kind, for suggestions; the result depends on every one of them."""
        self.found.asked.add((kind, ANY_NAME))
        if kind == "let" and self.lets is not None:
            return list(self.lets)
        return list(self.surroundings.tables[kind])

    def resolve(self, name: str) -> tuple[Kind | None, Binding | None]:
        """What a plain name in an expression means here, and its binding if it is local."""
        binding = self.scope.find(name)
        if binding is not None:
            return "local", binding
        if name in ELEMENT_NAMES and self.scope.in_callback:
            return self._declared(name) or "ambient", None
        return self._declared(name), None

    def _declared(self, name: str) -> Kind | None:
        """The kind of what the mission or the action itself gives this name to."""
        in_action = self.layer is Layer.ACTION
        if in_action and name == "response":
            return "ambient"
        if self.has("let", name):
            return "let"
        if self.layer is not Layer.SETTINGS and self.has("store", name):
            return "store"
        if in_action and self.has("source", name):
            return "source"
        return "ambient" if in_action and name in AMBIENT_NAMES else None

    def visible_names(self) -> list[str]:
        """Every plain name that would mean something here, the innermost first."""
        names = [binding.name for binding in self.scope.visible()]
        if self.layer is Layer.ACTION:
            names.append("response")
        names.extend(self.names("let"))
        if self.layer is not Layer.SETTINGS:
            names.extend(self.names("store"))
        if self.layer is Layer.ACTION:
            names.extend(name for name in AMBIENT_NAMES if name != "response")
        if self.scope.in_callback:
            names.extend(ELEMENT_NAMES)
        return names

    def use(self, name: str, span: Span, node: Node) -> NameUse:
        """A plain name is read: resolve it, count the use, and tell the rules."""
        kind, binding = self.resolve(name)
        if binding is not None:
            self.found.used.add(binding)
        if kind is not None:
            self.found.occurrences.append(Occurrence(kind, name, span, "read", binding))
        event = NameUse(name, span, kind, binding, node)
        self.tell(event)
        return event

    def use_context(self) -> None:
        """`.name` is read: that is a use of the loop variable which names the same thing."""
        if self.context.variable is not None:
            self.found.used.add(self.context.variable)

    def value_of(self, binding: Binding) -> Expression | None:
        """What a local name was given; the result of a stretch of steps depends on it."""
        self.found.values_asked.add(binding.name)
        return binding.value

    def look_around(self) -> None:
        """The result depends on what stands beside the current step."""
        if len(self.frames) == self.found.n_frames:
            self.found.tied = True

    def bind(self, binding: Binding) -> Binding | None:
        """Bind a local name in the innermost block; gives the one that it replaces there."""
        clash = self.scope.find_in_block(binding.name)
        if clash is not None:
            self.found.used.add(clash)
        if clash is not None and clash in self.origins:
            self.found.tied = True
            clash = replace(clash, span=clash.span.shifted(self.origins[clash] - self.origin))
        self.scope.bindings[binding.name] = binding
        self.found.bindings.append(binding)
        if not binding.implicit:
            self.found.occurrences.append(
                Occurrence("local", binding.name, binding.span, "declare", binding)
            )
        return clash

    # -------------------------------------------------------------- moving

    @contextmanager
    def inside(self, placed: Placed[Node]) -> Generator[None, None, None]:
        """Spans count from the start of this element of a list."""
        self.base += placed.start
        try:
            yield
        finally:
            self.base -= placed.start

    @contextmanager
    def block(
        self, context: Context | None = None, *, callback: bool = False
    ) -> Generator[None, None, None]:
        """A block: what is bound in it ends with it, and so does its context."""
        scope, outer = self.scope, self.context
        self.scope = Scope(scope, callback=callback)
        if context is not None:
            self.context = context
        try:
            yield
        finally:
            self.scope, self.context = scope, outer

    @contextmanager
    def in_pipeline(self) -> Generator[None, None, None]:
        """The condition of a stage: what an action binds is out of sight, and there is no item."""
        scope, context, layer = self.scope, self.context, self.layer
        self.scope, self.context = Scope(), NO_CONTEXT
        self.layer = Layer.PIPELINE
        try:
            yield
        finally:
            self.scope, self.context = scope, context
            self.layer = layer

    @contextmanager
    def meaning(self, context: Context) -> Generator[None, None, None]:
        """`.name` means something else for a while."""
        outer = self.context
        self.context = context
        try:
            yield
        finally:
            self.context = outer


def implicit(name: str, kind: BindingKind = BindingKind.PAGE) -> Binding:
    """A binding that nobody wrote."""
    return Binding(name, kind, Span(0, 0))
