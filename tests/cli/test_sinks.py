"""How events are told: as sentences, as JSON lines, as progress."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from reqon.events.model import (
    ActionCompleted,
    ActionStarted,
    CheckpointSaved,
    Event,
    Failed,
    Foreseen,
    PageFetched,
    Progressed,
    RetryScheduled,
    RunEnded,
    RunStarted,
    StageSkipped,
    StageStarted,
    Stamped,
    Warned,
)
from reqon.sinks.log import EventLineSink, JsonLogSink, LogSink
from reqon.sinks.progress import ProgressSink
from reqon.sinks.sentences import as_json, level_of, sentence

TOLD: list[tuple[Event, str, str]] = [
    (RunStarted(False, None, "x.json", ("A",)), "info", "Sync: started"),
    (RunStarted(True, "item 3 in 'A'", None, ("A",)), "info", "Sync: resumed at item 3 in 'A'"),
    (StageStarted(0, ("A", "B")), "debug", "Sync: stage 1: A, B"),
    (StageSkipped(1, ("C",)), "info", "Sync: skipped C: the condition is not met"),
    (ActionStarted("A"), "info", "A: started"),
    (ActionStarted("A", resumed=True), "info", "A: goes on"),
    (ActionCompleted("A", 150_000, 1523), "info", "A: completed in 2m 30s, 1,523 items"),
    (ActionCompleted("A", 5, 0), "info", "A: completed in 5ms"),
    (PageFetched("A", 15, 1500), "debug", "A: page 15, 1,500 items so far"),
    (Progressed("A", 5, None), "debug", "A: 5 items"),
    (Progressed("A", 523, 1241), "debug", "A: 523 of 1,241 items"),
    (CheckpointSaved("A", 500), "debug", "A: checkpoint saved before item 500"),
    (RetryScheduled("A", "get", 2, 1500, "503 busy"), "info", "A: 503 busy; try 2 in 1.5s"),
    (Warned("assume", "x > 0 does not hold", "A", "s.vague:3:1"), "warning",
     "A: x > 0 does not hold (s.vague:3:1)"),
    (Warned("other", "the clock jumped"), "warning", "the clock jumped"),
    (Foreseen("A", "would send GET https://api.test/items"), "info",
     "A: would send GET https://api.test/items"),
    (Failed({"action": "A", "step": "get", "message": "404"}), "error", "A: get: 404"),
    (Failed({"kind": "network"}), "error", "network"),
    (RunEnded("failed", 1200, {}), "info", "Sync: failed after 1.2s"),
]  # fmt: skip


def stamped(event: Event) -> Stamped:
    return Stamped(7, datetime(2031, 5, 6, 7, 8, 9, 120_000, UTC), "Sync", "exec_1", event)


@pytest.mark.parametrize(("event", "level", "text"), TOLD, ids=[text for _, _, text in TOLD])
def test_each_event_has_a_level_and_a_sentence(event: Event, level: str, text: str) -> None:
    assert level_of(event) == level
    assert sentence(event, "Sync") == text


def test_an_event_as_json() -> None:
    assert as_json(stamped(RunStarted(True, None, "r.json", ("A", "B")))) == {
        "event": "run_started",
        "at": "2031-05-06T07:08:09.120Z",
        "mission": "Sync",
        "executionId": "exec_1",
        "resumed": True,
        "resumedAt": None,
        "recordPath": "r.json",
        "actions": ["A", "B"],
    }


async def test_the_log_leaves_out_what_is_below_its_level() -> None:
    for level, n in (("debug", 18), ("info", 13), ("warning", 4), ("error", 2)):
        lines: list[tuple[str, str]] = []
        sink = LogSink(lambda level, line, lines=lines: lines.append((level, line)), level)
        for event, _, _ in TOLD:
            await sink.receive(stamped(event))
        assert len(lines) == n, level


async def test_log_lines_as_json() -> None:
    lines: list[str] = []
    sink = JsonLogSink(lines.append, "warning")
    for event, _, _ in TOLD:
        await sink.receive(stamped(event))
    first = json.loads(lines[0])
    assert first["level"] == "warning"
    assert first["time"] == "2031-05-06T07:08:09.120Z"
    assert first["message"] == "A: x > 0 does not hold (s.vague:3:1)"
    assert (first["event"], first["kind"]) == ("warned", "assume")


async def test_event_lines_leave_the_record_to_the_result() -> None:
    lines: list[Any] = []
    await EventLineSink(lines.append).receive(stamped(RunEnded("completed", 5, {"big": 1})))
    assert lines == [
        {
            "event": "run_ended",
            "at": "2031-05-06T07:08:09.120Z",
            "mission": "Sync",
            "executionId": "exec_1",
            "status": "completed",
            "durationMs": 5,
        }
    ]


async def test_progress_shows_pages_then_a_bar_for_a_loop() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with ProgressSink(console) as sink:
        await sink.receive(stamped(RunStarted(False, None, None, ("A",))))
        await sink.receive(stamped(ActionStarted("A")))
        await sink.receive(stamped(ActionStarted("Inner", nested=True)))
        await sink.receive(stamped(PageFetched("A", 15, 1500)))
        await sink.receive(stamped(Progressed("Inner", 1, 2)))
        sink.write("a line above")
        await sink.receive(stamped(Progressed("A", 523, 1241)))
        await sink.receive(stamped(ActionCompleted("A", 5, 0)))
    shown = screen.getvalue()
    assert "Sync started" in shown
    assert "a line above" in shown
    assert "523/1,241" in shown
    assert "Inner" not in shown
    assert shown.rstrip().endswith("\x1b[?25h")
