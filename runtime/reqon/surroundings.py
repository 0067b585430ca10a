"""What the machine around a program tells the checker: today and the time zones.

Shared by the command line and the Python interface; the language server has its own.
"""

from __future__ import annotations

import zoneinfo

from reqon.clock import SystemClock
from vague.checker import CheckFacts
from vague.program import Files


def check_facts(files: Files, *, execute: bool) -> CheckFacts:
    """What the checker may know; `execute`: the program is about to be run."""
    return CheckFacts(
        files=files,
        now=SystemClock().now(),
        time_zones=frozenset(zoneinfo.available_timezones()),
        execute=execute,
    )
