"""What an expression may see: the static names while binding, and the values while running.

Binding is done once for each plan: `Names` says what a name means at one place of an action and
gives every binding its slot. Running is done often: a `Scope` holds the slots of one branch of
execution and the facts of the run. Nothing here evaluates anything; `compile` reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

Value: TypeAlias = Any
"""None, bool, int, float, str, list, dict with text keys, `datetime` (UTC, cut to milliseconds),
`Duration`; the reply and `Mapped` classes are dicts, lists and texts too."""

RESPONSE_SLOT = "response"


@runtime_checkable
class StoreView(Protocol):
    """A store as one branch sees it, its own uncommitted writes included."""

    def get(self, key: str, /) -> dict[str, Value] | None:
        """The record of `key`."""
        ...

    def list(self) -> list[dict[str, Value]]:
        """All records in order. The caller must not change the list or the records."""
        ...

    def count(self) -> int:
        """Number of records."""
        ...


class RunFacts(Protocol):
    """What expressions may ask of the run; the engine implements it."""

    @property
    def lets(self) -> Mapping[str, Value]:
        """Values of the mission's and the shared `let`s by name."""
        ...

    @property
    def sources(self) -> frozenset[str]:
        """Names of the sources."""
        ...

    def now(self) -> datetime:
        """The current instant: UTC, cut to milliseconds."""
        ...

    def uuid(self) -> str:
        """A random UUID (version 4) as text."""
        ...

    def generate_id(self) -> str:
        """A short unique text; later ones sort behind earlier ones."""
        ...

    def env(self, name: str, /) -> str | None:
        """An environment variable."""
        ...

    def store(self, name: str, /) -> StoreView:
        """The store of that name."""
        ...

    def warn(self, message: str, /) -> None:
        """Report a run-time warning; the run goes on."""
        ...

    def webhook_url(self) -> str | None:
        """URL of the next `wait`; None where there is none."""
        ...


class Scope:
    """The variables of one branch of execution, and the run around it."""

    __slots__ = ("current_operation", "last_sync", "request", "run", "slots", "webhook")

    def __init__(self, run: RunFacts, slots: dict[str, Value] | None = None) -> None:
        self.run = run
        self.slots: dict[str, Value] = {RESPONSE_SLOT: None} if slots is None else slots
        self.last_sync: datetime | None = None
        self.request: dict[str, Value] | None = None
        self.current_operation: str | None = None
        self.webhook: Value = None


class ContextKind(Enum):
    """What `.name` means where no slot holds it."""

    NONE = "none"
    PARAMETER = "parameter"


Context: TypeAlias = ContextKind | str
"""NONE: `.name` is an error; PARAMETER: the second argument of the compiled function; a text: the
value of that slot."""

Matcher: TypeAlias = Callable[[Scope, Value], bool]


class Schemas(Protocol):
    """The schemas that `is`, patterns and variants refer to; see `reqon.values.schemas`."""

    def __contains__(self, name: str, /) -> bool:
        """Whether a schema of that name is declared."""
        ...

    def matcher(self, name: str, /) -> Matcher:
        """The test of a declared schema."""
        ...


class NoSchemas:
    """The empty set of schemas."""

    def __contains__(self, name: str, /) -> bool:
        """Never."""
        return False

    def matcher(self, name: str, /) -> Matcher:
        """Refused: nothing is declared."""
        raise KeyError(name)


class SlotAllocator:
    """Gives each binding of one action a slot name of its own, the same in every run."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {RESPONSE_SLOT: 1}

    def allocate(self, name: str) -> str:
        """`page` for the first binding of that name, then `page.2`, `page.3` and so on."""
        count = self._counts.get(name, 0) + 1
        self._counts[name] = count
        return name if count == 1 else f"{name}.{count}"


@dataclass(frozen=True)
class Names:
    """What names mean at one place of an action; immutable, inner places derive from outer ones.

    `bindings` leads from a visible variable to its slot. `carriers` are the slots that may hold a
    `ReplyScalar`. `allocator` is shared by all places of an action, so that two bindings never
    share a slot by accident.
    """

    stores: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    lets: frozenset[str] = frozenset()
    schemas: Schemas = field(default_factory=NoSchemas)
    context: Context = ContextKind.NONE
    bindings: Mapping[str, str] = field(default_factory=dict[str, str])
    has_response: bool = True
    carriers: frozenset[str] = frozenset({RESPONSE_SLOT})
    allocator: SlotAllocator = field(default_factory=SlotAllocator, compare=False)

    def bind(self, name: str) -> tuple[Names, str]:
        """A new visible binding, hiding one of the same name; returns its slot too."""
        slot = self.allocator.allocate(name)
        return replace(self, bindings={**self.bindings, name: slot}), slot

    def carrying(self, slot: str) -> Names:
        """The same names where a slot may hold a reply of any kind."""
        return replace(self, carriers=self.carriers | {slot})

    def with_context(self, context: Context) -> Names:
        """The same names where `.name` means something else."""
        return replace(self, context=context)

    def without_bindings(self) -> Names:
        """Only what the mission declares: for transforms, schemas, stage conditions, options."""
        return replace(self, bindings={}, has_response=False, context=ContextKind.NONE)

    def for_action(self) -> Names:
        """The place where an action begins: `response` alone, and slots counted anew."""
        return replace(
            self,
            bindings={},
            has_response=True,
            context=RESPONSE_SLOT,
            allocator=SlotAllocator(),
        )
