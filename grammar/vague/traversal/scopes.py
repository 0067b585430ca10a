"""Scopes: which local names are bound at a place, and what `.name` refers to there.

Mutable while a walk goes on, because a `let` is visible only from its own line. Names of the
mission (stores, actions, …) are not here but in `surroundings`.
"""

from __future__ import annotations

from collections.abc import Iterator
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

    `implicit` ones were not written by anybody, such as `failures`, and have an empty span.
    """

    name: str
    kind: BindingKind
    span: Span
    value: Expression | None = None
    uses: int = 0

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
        scope: Scope | None = self
        while scope is not None:
            found = scope.bindings.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def visible(self, before: int | None = None) -> Iterator[Binding]:
        """All bindings that a name could mean here, the innermost of each name first.

        With `before`, only those that are written before this offset of the element.
        """
        seen: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            for name, binding in scope.bindings.items():
                if name not in seen and (before is None or binding.span.start < before):
                    seen.add(name)
                    yield binding
            scope = scope.parent

    @property
    def in_callback(self) -> bool:
        """Whether a callback without parameters is being read."""
        scope: Scope | None = self
        while scope is not None:
            if scope.callback:
                return True
            scope = scope.parent
        return False
