"""The values that an option can have, as far as they are words or names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reqon_lsp.features import proposals
from reqon_lsp.results import Completion, ItemKind
from vague.program import MissionProgram
from vague.vocabulary import Kind, Vocabulary
from vague.vocabulary.options import OptionSpec, OptionType

CLOSED = frozenset(
    {
        OptionType.AUTH,
        OptionType.WORD,
        OptionType.STATE_STORE,
        OptionType.STORE,
        OptionType.SOURCE,
        OptionType.SCHEDULE,
        OptionType.PAGINATION,
        OptionType.PAGINATOR,
        OptionType.BLOCK,
    }
)
"""Types whose values are words or names alone: no expression is proposed beside them."""


def option_values(
    spec: OptionSpec, mission: MissionProgram | None, vocabulary: Vocabulary
) -> Iterator[Completion]:
    """The words that may stand behind `option:`."""
    for kind in spec.types:
        yield from _of_type(kind, mission, vocabulary)
    for value in spec.values or ():
        yield Completion(value, ItemKind.WORD, f"for {spec.name}", rank=1)
    if spec.nested is not None:
        yield Completion("{ … }", ItemKind.WORD, spec.help, text="{ ", snippet="{ $0 }", rank=2)


def _of_type(
    kind: OptionType, mission: MissionProgram | None, vocabulary: Vocabulary
) -> Iterable[Completion]:
    words = _WORDS.get(kind)
    if words is not None:
        return proposals.keywords(words, 1)
    if kind in (OptionType.PAGINATION, OptionType.PAGINATOR):
        return (_pagination(row) for row in vocabulary.paginators.values())
    rows = {
        OptionType.AUTH: vocabulary.auth_kinds,
        OptionType.STATE_STORE: vocabulary.state_stores,
    }
    if kind in rows:
        return proposals.kinds(rows[kind].values(), rank=1)
    if mission is not None and kind is OptionType.STORE:
        return proposals.words(mission.stores, ItemKind.STORE, "store", 1)
    if mission is not None and kind is OptionType.SOURCE:
        return proposals.words(mission.sources, ItemKind.SOURCE, "source", 1)
    return ()


_WORDS = {
    OptionType.BOOLEAN: ("true", "false"),
    OptionType.SINCE: ("lastSync",),
    OptionType.SCHEDULE: ("every", "cron", "at"),
}


def _pagination(row: Kind) -> Completion:
    name = row.name
    stops = ", ".join(
        f"${{{number}:{parameter}}}" for number, parameter in enumerate(row.parameters, 1)
    )
    snippet = f"{name}({stops})" if row.parameters else name
    form = f"{name}({', '.join(row.parameters)})" if row.parameters else name
    return Completion(name, ItemKind.WORD, form, row.help, snippet=snippet, rank=1)
