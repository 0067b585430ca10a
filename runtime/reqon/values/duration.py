"""Durations: a length of time as a value of the language, counted in milliseconds.

Nothing here knows the clock; dates and their arithmetic are in `dates`. A duration becomes its
number of milliseconds wherever it is stored, sent or written as text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time; negative ones occur as differences of dates. Whole numbers stay `int`."""

    milliseconds: int | float
