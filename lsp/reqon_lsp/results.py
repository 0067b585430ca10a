"""What features answer: plain values in offsets of one file, free of any protocol.

`replies` turns them into the client's types and units. A path names a file as the session does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from vague.diagnostics import TextEdit
from vague.text import Span


class RefusedError(Exception):
    """What was asked for cannot be done; the text tells the user why."""


@dataclass(frozen=True, slots=True)
class Location:
    """A stretch of a file."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about what stands at `span`."""

    span: Span
    text: str


class ItemKind(Enum):
    """What a completion item or a symbol is, for its icon."""

    KEYWORD = "keyword"
    OPTION = "option"
    WORD = "word"
    UNIT = "unit"
    TYPE = "type"
    FUNCTION = "function"
    VARIABLE = "variable"
    FIELD = "field"
    MISSION = "mission"
    ACTION = "action"
    SOURCE = "source"
    STORE = "store"
    SCHEMA = "schema"
    TRANSFORM = "transform"
    OPERATION = "operation"
    FILE = "file"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Completion:
    """One proposal. `snippet` has the tab stops of LSP, `text` is what goes in without them."""

    label: str
    kind: ItemKind
    detail: str = ""
    documentation: str = ""
    text: str | None = None
    snippet: str | None = None
    rank: int = 5


@dataclass(frozen=True, slots=True)
class Completions:
    """The proposals for what stands at `span` (the word before the cursor)."""

    span: Span
    items: tuple[Completion, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Symbol:
    """A thing of the outline; `name_span` lies in `span`."""

    name: str
    kind: ItemKind
    span: Span
    name_span: Span
    detail: str = ""
    children: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """A thing found in the whole workspace; `container` is its mission, if it is in one."""

    name: str
    kind: ItemKind
    place: Location
    container: str = ""


@dataclass(frozen=True, slots=True)
class Highlight:
    """A place where the same thing is named."""

    span: Span
    writes: bool


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines `first` to `last`, both from 0, can be hidden behind the first one."""

    first: int
    last: int
    kind: Literal["region", "comment", "imports"]
    collapsed: str = "…"


@dataclass(frozen=True, slots=True)
class Signature:
    """A call being written: `parameters` are spans of characters in `label`."""

    label: str
    documentation: str
    parameters: tuple[Span, ...]
    active: int


@dataclass(frozen=True, slots=True)
class Token:
    """A word with its meaning, on one line."""

    span: Span
    kind: str
    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of text that leads to a file or a URL."""

    span: Span
    target: str
    is_url: bool
    tooltip: str


@dataclass(frozen=True, slots=True)
class Hint:
    """A grey note at the end of the line that holds `offset`; `tooltip` is Markdown."""

    offset: int
    label: str
    tooltip: str


Edits = Mapping[str, tuple[TextEdit, ...]]
"""Changes by the path of their file."""

Verb = Literal["run", "resume", "dryRun", "history", "cancel"]


@dataclass(frozen=True, slots=True)
class MissionCommand:
    """Something that can be done with a mission."""

    verb: Verb
    title: str
    mission: str
    span: Span
    execution_id: str | None = None
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class CodeAction:
    """A change (`edits` by path) or a command, offered at a place."""

    title: str
    kind: str
    edits: Mapping[str, tuple[TextEdit, ...]] = field(
        default_factory=dict[str, tuple[TextEdit, ...]]
    )
    command: MissionCommand | None = None
    fixes: tuple[str, Span] | None = None
    """Code and place of the diagnostic that the change removes."""
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class CallItem:
    """An action as a caller or a callee."""

    name: str
    mission: str
    path: str
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class CallEdge:
    """The action at the other end of calls, and where the calls stand (in the caller's file)."""

    item: CallItem
    places: tuple[Span, ...]
