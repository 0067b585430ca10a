"""Every option of the language, in blocks: one for each place where options are written.

This is data: the rules compare programs with it, the plan takes defaults from its own policies (a
test compares them), completion, hover and docs show the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vague.vocabulary.mission_options import MISSION_BLOCKS
from vague.vocabulary.option_types import OptionBlock, OptionSpec, OptionType, block, synonym
from vague.vocabulary.source_options import SOURCE_BLOCKS
from vague.vocabulary.step_options import STEP_BLOCKS

__all__ = ["OPTION_BLOCKS", "OptionBlock", "OptionSpec", "OptionType", "block", "synonym"]

OPTION_BLOCKS: Mapping[str, OptionBlock] = MappingProxyType(
    {row.name: row for row in (*MISSION_BLOCKS, *SOURCE_BLOCKS, *STEP_BLOCKS)}
)
"""Every block by its name, a nested one as `outer.inner`."""
