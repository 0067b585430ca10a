"""How numbers, times and tables are worded."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.cli import wording

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (-5, "0ms"),
        (850, "850ms"),
        (999.4, "999ms"),
        (1000, "1s"),
        (12_400, "12.4s"),
        (59_940, "59.9s"),
        (59_960, "1m"),
        (150_000, "2m 30s"),
        (59 * MINUTE + 59_700, "1h"),
        (3 * HOUR + 5 * MINUTE + 12_000, "3h 5m"),
        (2 * DAY + 4 * HOUR, "2d 4h"),
        (30 * DAY, "30d"),
    ],
)
def test_a_duration_has_two_parts_at_most(milliseconds: float, text: str) -> None:
    assert wording.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("30d", 30 * DAY),
        ("12h", 12 * HOUR),
        ("2w", 14 * DAY),
        ("90s", 90 * SECOND),
        ("500ms", 500),
        ("7 days", 7 * DAY),
        ("1 day", DAY),
        ("1h 30m", 90 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1.5 hours", 90 * MINUTE),
        ("10 MINUTES", 10 * MINUTE),
        ("0d", 0),
        ("", None),
        ("7", None),
        ("d", None),
        ("7 fortnights", None),
        ("-3d", None),
        ("3d rest", None),
    ],
)
def test_a_typed_duration(text: str, milliseconds: int | None) -> None:
    assert wording.parse_duration(text) == milliseconds


def test_counts_have_separators_and_agree_with_their_noun() -> None:
    assert wording.count(1523) == "1,523"
    assert wording.counted(1, "record") == "1 record"
    assert wording.counted(8721, "record") == "8,721 records"
    assert wording.counted(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_500_000, "1.4 MiB"), (3 << 40, "3.0 TiB")],
)
def test_sizes(n_bytes: int, text: str) -> None:
    assert wording.size(n_bytes) == text


def test_an_instant_is_shown_in_local_time_with_its_offset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    time.tzset()
    try:
        assert wording.local_time("2031-05-06T07:08:09Z") == "2031-05-06 08:08:09 +01:00"
        assert wording.local_time(datetime(2031, 1, 6, 7, 0, tzinfo=UTC)) == (
            "2031-01-06 07:00:00 +00:00"
        )
        assert wording.local_time("yesterday") == "yesterday"
        assert wording.local_time(None) == "-"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_instant_without_zone_is_local() -> None:
    naive = wording.parse_instant("2031-05-06 07:08")
    assert naive == datetime.fromisoformat("2031-05-06T07:08").astimezone()
    assert wording.parse_instant("2031-05-06T07:08Z") == datetime(2031, 5, 6, 7, 8, tzinfo=UTC)
    assert wording.parse_instant("soon") is None


def test_how_long_ago() -> None:
    now = datetime(2031, 5, 6, tzinfo=UTC)
    assert wording.ago(now, now) == "just now"
    assert wording.ago(now - timedelta(minutes=3, seconds=12), now) == "3m 12s ago"
    assert wording.ago(now + timedelta(minutes=5), now) == "in 5m"


def test_a_table_stands_in_columns_and_goes_on_below_where_it_is_too_wide() -> None:
    lines = wording.table(
        ["mission", "items", "where"],
        [["Orders", "7", "page 3"], ["顧客同期", "1,523", "line one\nline two"]],
        40,
        right=frozenset({1}),
    )
    assert lines == [
        "mission   items  where",
        "Orders        7  page 3",
        "顧客同期  1,523  line one line two",
    ]
    narrow = wording.table(
        ["key", "items"], [["API-/customers", "1,523"]], 18, right=frozenset({1})
    )
    assert narrow == ["key", "  items", "API-/customers", "  1,523"]


def test_fields_stand_under_each_other_and_wrap() -> None:
    lines = wording.fields([("status", "failed"), ("at", "one two three four five six")], 30)
    assert lines == ["  status  failed", "  at      one two three four", "          five six"]


@given(st.text(), st.integers(3, 60))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    assert wording.display_width(wording.shortened(text, width)) <= width


@given(st.text(st.characters(categories=["L", "Zs"]), max_size=80), st.integers(1, 30))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    assert " ".join(wording.wrap(text, width)).split() == text.split()
