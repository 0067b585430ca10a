"""What an element of a mission can see of the rest: the mission's names and the outside facts.

Two surroundings can be compared by what they offer, so that a result is reused as long as nothing
that an element asked for has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vague.ast.definitions import Source
from vague.ast.expressions import BooleanLiteral
from vague.program import Declared, Document, Files, MissionProgram, Program
from vague.traversal.events import Kind
from vague.vocabulary import DEFAULT, Vocabulary
from vague.vocabulary.kinds import PREDEFINED_SCHEMAS


@dataclass(frozen=True)
class CheckFacts:
    """What the checker may know of the world outside the program.

    `files` are only asked for the names beside a spec that is missing. `now` is aware;
    `time_zones` are IANA names (none: any zone is taken to exist). `execute`: the program is about
    to run, so that having no mission is an error.
    """

    files: Files
    now: datetime
    time_zones: frozenset[str] = frozenset()
    vocabulary: Vocabulary = field(default=DEFAULT)
    execute: bool = False


Question = tuple[Kind, str]
"""A look-up of a name of a kind: an element's result depends on what it found."""

ANY_NAME = "*"
"""In a question: all names of the kind, which suggestions are chosen from."""


@dataclass(frozen=True, slots=True)
class EarlierLets:
    """The `let`s of a mission that stand before the one at `position`."""

    order: Mapping[str, int]
    position: int

    def __contains__(self, name: str) -> bool:
        return self.order.get(name, self.position) < self.position

    def __iter__(self) -> Iterator[str]:
        return (name for name, position in self.order.items() if position < self.position)


@dataclass(frozen=True)
class Surroundings:
    """One mission as its elements see it."""

    program: Program
    mission: MissionProgram
    facts: CheckFacts
    tables: Mapping[Kind, Mapping[str, object]]
    enables_state: bool

    @classmethod
    def of(cls, program: Program, mission: MissionProgram, facts: CheckFacts) -> Surroundings:
        """The surroundings that a mission gives to its elements, and to shared ones it uses."""
        lets = (*mission.shared_lets, *mission.lets)
        tables: dict[Kind, Mapping[str, object]] = {
            "action": dict.fromkeys(mission.actions),
            "store": dict.fromkeys(mission.stores),
            "source": {
                name: _offer(program, declared) for name, declared in mission.sources.items()
            },
            "schema": dict.fromkeys([*mission.schemas, *PREDEFINED_SCHEMAS]),
            "transform": dict.fromkeys(mission.transforms),
            "let": {declared.node.name.text: id(declared.node) for declared in lets},
        }
        return cls(program, mission, facts, tables, _enables_state(mission))

    def moved(self, program: Program, mission: MissionProgram) -> Surroundings:
        """The same for a mission that an edit has only moved."""
        return Surroundings(program, mission, self.facts, self.tables, self.enables_state)

    def has(self, kind: Kind, name: str) -> bool:
        """Whether the mission has such a thing."""
        return name in self.tables[kind]

    def document(self, source: str) -> Document | None:
        """The OpenAPI document of a source, if it has one that is no URL."""
        declared = self.mission.sources.get(source)
        return None if declared is None else self.program.document_of(declared)

    @property
    def let_order(self) -> tuple[str, ...]:
        """The names of the `let`s in the order in which they are evaluated."""
        lets = (*self.mission.shared_lets, *self.mission.lets)
        return tuple(declared.node.name.text for declared in lets)

    @property
    def conditions(self) -> tuple[object, ...]:
        """What an element's result depends on beside the names that it asks for."""
        facts = self.facts
        namespaces = tuple(
            (name, None if document is None else id(document.api))
            for name, document in self.mission.namespaces.items()
        )
        return (
            self.enables_state,
            bool(self.mission.sources),
            id(facts.vocabulary),
            facts.time_zones,
            namespaces,
        )

    def changes_since(self, before: Surroundings) -> frozenset[Question]:
        """The look-ups that now give another answer than before."""
        changed: set[Question] = set()
        for kind, table in self.tables.items():
            old = before.tables[kind]
            if table == old:
                continue
            changed.add((kind, ANY_NAME))
            names = table.keys() | old.keys()
            changed.update(
                (kind, name)
                for name in names
                if (name in table) != (name in old) or table.get(name) != old.get(name)
            )
        return frozenset(changed)


def _offer(program: Program, declared: Declared[Source]) -> tuple[bool, int]:
    """Whether a source has a spec, and which."""
    document = program.document_of(declared)
    api = None if document is None else document.api
    return declared.node.spec is not None, id(api)


def _enables_state(mission: MissionProgram) -> bool:
    option = mission.options.get("enableState")
    value = None if option is None else option.node.value
    return not (isinstance(value, BooleanLiteral) and not value.value)
