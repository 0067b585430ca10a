"""What an option is described by; the rows are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from vague.vocabulary.kinds import Kinds


class OptionType(Enum):
    """What a value must be; the text completes the sentence "must be …"."""

    BOOLEAN = "true or false"
    INTEGER = "a whole number"
    NUMBER = "a number"
    STRING = "a string"
    WORD = "one of the names listed"
    DURATION = "a duration"
    RETENTION = "a number with a unit"
    STRINGS = "an array of strings"
    INTEGERS = "an array of whole numbers"
    OBJECT = "an object"
    BLOCK = "a block of options"
    VALUE = "any value"
    SCHEDULE = "a schedule"
    AUTH = "an auth type"
    STATE_STORE = "the name of a state store"
    STORE = "the name of a store"
    SOURCE = "the name of a source"
    SINCE = "`lastSync` or a time"
    PAGINATION = "a pagination"
    PAGINATOR = "the name of a pagination"
    PARAMETER = "the name of a parameter"
    PATH = "a path into the reply"
    SYNC_FORMAT = "a date format"


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """An option.

    `default` is as people would write or say it. `unit` is that of a bare number. `values` lists
    the words allowed, for types with a fixed set. `nested` names the block that a `{ … }` value is
    read by. `alternative` is a second type that is accepted. `context` says what `.name` means in
    the value, None where it means what it means around the option. `constant`: the value must be
    known at check time. `secret`: the value must not be written in the program.
    """

    name: str
    type: OptionType
    default: str
    help: str
    values: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    synonym_of: str | None = None
    nested: str | None = None
    alternative: OptionType | None = None
    context: str | None = None
    required: bool = False
    constant: bool = False
    secret: bool = False

    @property
    def types(self) -> tuple[OptionType, ...]:
        """All types that are accepted."""
        return (self.type,) if self.alternative is None else (self.type, self.alternative)


@dataclass(frozen=True, slots=True)
class OptionBlock:
    """The options of one place. `title` names the place in messages, with its article."""

    name: str
    title: str
    options: Mapping[str, OptionSpec]

    def find(self, name: str) -> OptionSpec | None:
        """The row of `name`, synonyms included."""
        return self.options.get(name)

    def canonical(self, name: str) -> str:
        """The name that `name` is a synonym of, or `name` itself."""
        row = self.options.get(name)
        return name if row is None or row.synonym_of is None else row.synonym_of


def block(name: str, title: str, *rows: OptionSpec) -> OptionBlock:
    """A block of the rows in the order given."""
    return OptionBlock(name, title, MappingProxyType({row.name: row for row in rows}))


def synonym(row: OptionSpec, name: str) -> OptionSpec:
    """A second name for `row`."""
    return replace(row, name=name, synonym_of=row.name, required=False)


def words(kinds: Kinds) -> tuple[str, ...]:
    """The names of a set, for `OptionSpec.values`."""
    return tuple(kinds)


ABSENT = "none"
"""The default of an option that has no effect unless it is written."""

MILLISECONDS = "ms"
"""The unit of a bare number."""
