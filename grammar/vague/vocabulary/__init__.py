"""The words of the language as documented data: keywords, options, functions, kinds.

`DEFAULT` holds what the language brings along. The runtime adds what plug-ins register by
`Vocabulary.with_` and hands the result to the checker and to the editor. Nothing here decides
anything about a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

from vague.vocabulary.functions import FUNCTIONS, FunctionSpec
from vague.vocabulary.keywords import KEYWORDS, Keyword
from vague.vocabulary.kinds import (
    AUTH_KINDS,
    PAGINATORS,
    STATE_STORES,
    STORE_ADAPTERS,
    Kind,
    Kinds,
)
from vague.vocabulary.options import OPTION_BLOCKS, OptionBlock

__all__ = ["DEFAULT", "FunctionSpec", "Keyword", "Kind", "OptionBlock", "Vocabulary"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Row = TypeVar("_Row", bound=_Named)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """What a program may name. `custom_steps` are the registered steps `name { options }`."""

    functions: Mapping[str, FunctionSpec]
    store_adapters: Kinds
    auth_kinds: Kinds
    paginators: Kinds
    state_stores: Kinds
    custom_steps: Kinds
    option_blocks: Mapping[str, OptionBlock]
    keywords: Mapping[str, Keyword]

    def with_(
        self,
        *,
        functions: Iterable[FunctionSpec] = (),
        store_adapters: Iterable[Kind] = (),
        auth_kinds: Iterable[Kind] = (),
        paginators: Iterable[Kind] = (),
        state_stores: Iterable[Kind] = (),
        custom_steps: Iterable[Kind] = (),
        option_blocks: Iterable[OptionBlock] = (),
    ) -> Vocabulary:
        """This vocabulary and more; a row hides one of the same name that was there before."""
        return Vocabulary(
            functions=_extended(self.functions, functions),
            store_adapters=_extended(self.store_adapters, store_adapters),
            auth_kinds=_extended(self.auth_kinds, auth_kinds),
            paginators=_extended(self.paginators, paginators),
            state_stores=_extended(self.state_stores, state_stores),
            custom_steps=_extended(self.custom_steps, custom_steps),
            option_blocks=_extended(self.option_blocks, option_blocks),
            keywords=self.keywords,
        )


def _extended(rows: Mapping[str, _Row], more: Iterable[_Row]) -> Mapping[str, _Row]:
    added = {row.name: row for row in more}
    return MappingProxyType({**rows, **added}) if added else rows


DEFAULT = Vocabulary(
    functions=FUNCTIONS,
    store_adapters=STORE_ADAPTERS,
    auth_kinds=AUTH_KINDS,
    paginators=PAGINATORS,
    state_stores=STATE_STORES,
    custom_steps=MappingProxyType({}),
    option_blocks=OPTION_BLOCKS,
    keywords=KEYWORDS,
)
"""The vocabulary of the language itself."""
