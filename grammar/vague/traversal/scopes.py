"""Scopes: which local names are bound at a place, and what `.name` refers to there.

Mutable while a walk goes on, because a `let` is visible only from its own line. Names of the
mission (stores, actions, …) are not here but in `surroundings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from vague.ast.expressions import Expression
from vague.text import Span


class BindingKind(Enum):
    """How a local name came to be; the text says it to people."""

    LET = "variable"
    LOOP = "loop variable"
    PATTERN = "pattern variable"
    PARAMETER = "parameter"
    ALIAS = "result of 'apply'"
    TARGET = "result of 'map'"
    FAILURES = "list of failed assumptions"
    PAGE = "value of the pagination"


@dataclass(slots=True, eq=False)
class Binding:
    """A local name. `span` counts from the start of the element, `value` is what it was given.

    `implicit` ones were not written by anybody, such as `failures`, and have an empty span. Within
    a stretch of steps (see `stretches`) spans count from there. Never changed: that a name is used,
    the walk keeps.
    """

    name: str
    kind: BindingKind
    span: Span
    value: Expression | None = None

    @property
    def implicit(self) -> bool:
        """Whether nobody wrote the name."""
        return self.kind in (BindingKind.FAILURES, BindingKind.PAGE)


class ContextKind(Enum):
    """What `.name` is a field of; the text says it to people."""

    NONE = "nothing"
    RESPONSE = "the response"
    ITEM = "the loop's item"
    ELEMENT = "the element"
    INPUT = "the value that is mapped"
    TARGET = "the value that is validated"
    MATCHED = "the matched value"
    ERROR = "the error"
    RECORD = "the record that is stored"
    PAGE = "the page"
    PAYLOAD = "the payload"
    CANDIDATE = "the record"


@dataclass(frozen=True, slots=True)
class Context:
    """The meaning of `.name`. `origin` is the expression it comes from, where there is one.

    `element_of`: the context is an element of `origin`, not its value. `variable` is the loop
    variable that names the same thing.
    """

    kind: ContextKind
    origin: Expression | None = None
    element_of: bool = False
    variable: Binding | None = None

    @property
    def is_record(self) -> bool:
        """Whether what `.name` reads from is certainly meant to be a record."""
        return self.kind not in (ContextKind.NONE, ContextKind.RESPONSE)


NO_CONTEXT = Context(ContextKind.NONE)
RESPONSE_CONTEXT = Context(ContextKind.RESPONSE)


class Layer(Enum):
    """Which names beyond the local ones an element may use."""

    ACTION = "an action"
    RECORDS = "a transform or schema"
    PIPELINE = "the condition of a stage"
    SETTINGS = "an option"


class Scope:
    """Names bound in one block, inside an outer one. A callback's scope has `it` and its kin."""

    __slots__ = ("bindings", "callback", "parent")

    def __init__(self, parent: Scope | None = None, *, callback: bool = False) -> None:
        self.parent = parent
        self.bindings: dict[str, Binding] = {}
        self.callback = callback

    def find(self, name: str) -> Binding | None:
        """The innermost binding of a name."""
        found = self.bindings.get(name)
        if found is None and self.parent is not None:
            return self.parent.find(name)
        return found

    def find_in_block(self, name: str) -> Binding | None:
        """The binding of a name in this very block."""
        return self.bindings.get(name)

    def binds_any(self, names: Mapping[str, Binding]) -> bool:
        """Whether one of these names is bound in this very block."""
        return not self.bindings.keys().isdisjoint(names)

    def block(self) -> tuple[Mapping[str, Binding], Scope | None]:
        """What this very block binds, and the scope of the block around it."""
        return self.bindings, self.parent

    def visible(self, before: int | None = None) -> Iterator[Binding]:
        """All bindings that a name could mean here, the innermost of each name first.

        With `before`, only those that are written before this offset of the element.
        """
        seen: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            bindings, scope = scope.block()
            for name, binding in bindings.items():
                if name not in seen and (before is None or binding.span.start < before):
                    seen.add(name)
                    yield binding

    @property
    def in_callback(self) -> bool:
        """Whether a callback without parameters is being read."""
        scope: Scope | None = self
        while scope is not None:
            if scope.callback:
                return True
            scope = scope.parent
        return False


class StretchScope(Scope):
    """What a stretch of steps binds in their block, and what it asked for of all around it.

    `asked` are the names that are not its own with what they meant; `asked_visible` all that was
    in sight before it, if a suggestion was chosen from these.
    """

    __slots__ = ("around", "asked", "asked_visible")

    def __init__(self, around: Scope) -> None:
        super().__init__(around)
        self.around = around
        self.asked: dict[str, Binding | None] = {}
        self.asked_visible: tuple[str, ...] | None = None

    def find(self, name: str) -> Binding | None:
        """The innermost binding of a name."""
        found = self.bindings.get(name)
        if found is None:
            found = self.asked[name] = self.around.find(name)
        return found

    def find_in_block(self, name: str) -> Binding | None:
        """The binding of a name in the block, be it of an earlier stretch."""
        return self.bindings.get(name) or self.around.find_in_block(name)

    def binds_any(self, names: Mapping[str, Binding]) -> bool:
        """Whether one of these names is bound in the block, be it in an earlier stretch."""
        return super().binds_any(names) or self.around.binds_any(names)

    def block(self) -> tuple[Mapping[str, Binding], Scope | None]:
        """What the block binds so far, and the scope of the block around it."""
        if self.asked_visible is None:
            self.asked_visible = visible_names(self.around)
        bindings, outer = self.around.block()
        return {**bindings, **self.bindings}, outer


def visible_names(scope: Scope) -> tuple[str, ...]:
    """The names of all bindings in sight, the innermost first."""
    return tuple(binding.name for binding in scope.visible())
