"""What the machine around a program tells the checker: today, time zones, plug-ins.

Shared by the command line and the Python interface; the language server has its own.
"""

from __future__ import annotations

import zoneinfo

from reqon.added import load_extensions, vocabulary
from reqon.clock import SystemClock
from reqon.state_stores.chosen import registered_names
from vague.checker import CheckFacts
from vague.program import Files
from vague.vocabulary import Kind


def check_facts(files: Files, *, execute: bool) -> CheckFacts:
    """What the checker may know; `execute`: the program is about to be run.

    Raises ConfigError where an installed extension cannot be loaded.
    """
    load_extensions()
    stores = [Kind(name, "A state store of a package.") for name in registered_names()]
    return CheckFacts(
        files=files,
        now=SystemClock().now(),
        time_zones=frozenset(zoneinfo.available_timezones()),
        execute=execute,
        vocabulary=vocabulary().with_(state_stores=stores),
    )
