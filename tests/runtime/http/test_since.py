"""The time of the last sync as services want to read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reqon.http.since import since_value
from vague.vocabulary.kinds import SYNC_FORMATS

INSTANT = datetime(2031, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)


def slashed(instant: datetime, pattern: str) -> str:
    assert pattern == "DD/MM/YYYY"
    return instant.strftime("%d/%m/%Y")


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("iso", "2031-05-06T07:08:09.123Z"),
        ("ISO", "2031-05-06T07:08:09.123Z"),
        ("unix", 1935817689),
        ("timestamp", 1935817689),
        ("unix-ms", 1935817689123),
        ("epoch", 1935817689123),
        ("date-only", "2031-05-06"),
        ("YYYY-MM-DD", "2031-05-06"),
        ("DD/MM/YYYY", "06/05/2031"),
    ],
)
def test_the_time_is_written_as_the_service_wants_it(form: str, value: str | int):
    assert since_value(INSTANT, form, slashed) == value


def test_every_known_form_is_written():
    for name in SYNC_FORMATS:
        assert since_value(INSTANT, name, slashed)


def test_the_overlap_is_taken_off_and_zones_become_utc():
    east = INSTANT.replace(microsecond=0).astimezone(timezone(timedelta(hours=2)))
    assert since_value(east, "iso", slashed) == "2031-05-06T07:08:09Z"
    assert since_value(INSTANT, "iso", slashed, overlap_ms=9123) == "2031-05-06T07:08:00Z"
