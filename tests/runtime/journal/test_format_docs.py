"""The page about the format names every field there is, and no other."""

from __future__ import annotations

import re

import msgspec

from reqon.journal.carrying import ADDED
from reqon.journal.frames import Frame, StartFacts, Summary
from reqon.journal.records import RecordFacts, build_record
from reqon.journal.run_state import RunState
from support.source_tree import ROOT

PAGE = (ROOT / "docs/state-format.md").read_text(encoding="utf-8")


def words_in_tables(after: str, before: str) -> set[str]:
    """The names in the first columns of the tables between two headings."""
    section = PAGE.partition(after)[2].partition(before)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


STORES = {"s": {"adapter": "file", "identifier": "s"}}


def full_state() -> RunState:
    start = StartFacts(
        1, "exec_x", "M", "2024-01-20T09:00:00Z", "0", 1, "2024-01-20T09:00:00Z",
        STORES, "strict", "manual", "0", program={}, retry_of="exec_y",
    )  # fmt: skip
    state = RunState(start, Summary(pipeline=[{}], progress={}, warnings={"other": 1}))
    state.summary.active = {"action": "A"}
    state.summary.pending_sync = {"k": {}}
    state.synced = {"k": {}}
    state.unknown = [{}]
    return state


def test_the_fields_of_the_record() -> None:
    ended = RecordFacts(
        "failed", {}, "now", completed_at="now", interrupted_by="SIGINT", duration_ms=1
    )
    running = RecordFacts("running", {}, "now")
    written = {name for facts in (ended, running) for name in build_record(full_state(), facts)}
    written.add("alertedAt")
    assert words_in_tables("## The record", "## The journal") == written


def test_the_fields_and_kinds_of_frames() -> None:
    section = words_in_tables("## The journal", "## Stores and their marks")
    fields = set(Frame.__struct_fields__)
    kinds = {"start", "enter", "page", "c", "stage", "err", "fx", "fxr", "event", "end", "base"}
    assert section == fields | kinds


def test_the_summary() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `summary`"))
    encoded = {field.encode_name for field in msgspec.structs.fields(Summary)}
    assert set(re.findall(r"`(\w+)`", row)) - {"summary"} == encoded


def test_the_fields_of_a_state_elsewhere() -> None:
    assert words_in_tables("## A state elsewhere", "\n## ") == set(ADDED)
