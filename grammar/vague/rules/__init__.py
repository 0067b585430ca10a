"""All rules, by subject. `checker` runs them; each reports what is wrong and how to mend it."""

from __future__ import annotations

from vague.rules.conditions import CONDITIONS
from vague.rules.documents import DOCUMENTS
from vague.rules.durations import DURATIONS
from vague.rules.flow import FLOW
from vague.rules.options import OPTIONS
from vague.rules.references import REFERENCES
from vague.rules.registry import merged
from vague.rules.schedules import SCHEDULES
from vague.rules.settings import SETTINGS
from vague.rules.structure import STRUCTURE
from vague.rules.style import STYLE

ELEMENT_RULES = merged(
    (
        STRUCTURE,
        REFERENCES,
        DOCUMENTS,
        OPTIONS,
        SETTINGS,
        DURATIONS,
        SCHEDULES,
        FLOW,
        CONDITIONS,
        STYLE,
    )
)
"""The rules that look at one element at a time, by node and event."""
