"""The options of missions, of their schedules, and of actions."""

from __future__ import annotations

from vague.vocabulary.kinds import DURABILITIES, PARALLEL_MODES
from vague.vocabulary.option_types import (
    ABSENT,
    MILLISECONDS,
    OptionSpec,
    OptionType,
    block,
    words,
)

_T = OptionType

_TIMEZONE = OptionSpec(
    "timezone",
    _T.STRING,
    "the system's zone",
    "IANA time zone for `cron`, and for `at` without a zone of its own.",
    constant=True,
)
_MAX_CONCURRENCY = OptionSpec(
    "maxConcurrency",
    _T.INTEGER,
    "no limit",
    "How many actions of a parallel group run at once.",
    minimum=1,
)
_SKIP_IF_RUNNING = OptionSpec(
    "skipIfRunning",
    _T.BOOLEAN,
    "true",
    "Skips a due run while the mission is still running; with `false` it waits its turn.",
)

_MISSION = block(
    "mission",
    "a mission",
    OptionSpec(
        "schedule",
        _T.SCHEDULE,
        ABSENT,
        "When the daemon runs the mission: `every`, `cron` or `at`.",
        nested="schedule",
        constant=True,
    ),
    _TIMEZONE,
    _SKIP_IF_RUNNING,
    _MAX_CONCURRENCY,
    OptionSpec(
        "retryOnFailure",
        _T.INTEGER,
        ABSENT,
        "Runs a failed mission again: up to so many more times, or as a retry block says.",
        minimum=0,
        nested="retry",
        alternative=_T.BLOCK,
    ),
    OptionSpec(
        "runImmediately",
        _T.BOOLEAN,
        "false",
        "Runs the mission once when the daemon starts, too.",
    ),
    OptionSpec(
        "jitter",
        _T.DURATION,
        "0",
        "Moves each due time by a random amount of at most this, either way.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "timeout",
        _T.DURATION,
        ABSENT,
        "How long one execution may take before it fails.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "parallelMode",
        _T.WORD,
        "continue",
        "What a failing action does to its parallel group.",
        values=words(PARALLEL_MODES),
        constant=True,
    ),
    OptionSpec(
        "enableState",
        _T.BOOLEAN,
        "true",
        "Keeps loop positions and what else a resume needs; the record is written in any case.",
        constant=True,
    ),
    OptionSpec(
        "stateRetention",
        _T.RETENTION,
        "keep all",
        "How long execution records are kept, such as `30 days`; older ones are removed.",
        minimum=1,
        maximum=36_500,
        unit="as written, at most 36 500 days",
    ),
    OptionSpec(
        "stateStore",
        _T.STATE_STORE,
        "file",
        "Where execution state goes: `file`, `memory`, a database (`sqlite`, `postgres`, `redis`), "
        "a bucket (`s3`), or a registered name.",
        constant=True,
    ),
    OptionSpec(
        "stateDurability",
        _T.WORD,
        "balanced",
        "How often the journal is synced to disk.",
        values=words(DURABILITIES),
    ),
    OptionSpec(
        "redact",
        _T.STRINGS,
        "[]",
        "Dotted paths of fields that are left out of records and events.",
    ),
)

_SCHEDULE = block(
    "schedule",
    "a schedule",
    _TIMEZONE,
    _MAX_CONCURRENCY,
    _SKIP_IF_RUNNING,
    OptionSpec(
        "retry",
        _T.BLOCK,
        ABSENT,
        "Runs a failed mission again after a fixed wait.",
        nested="schedule.retry",
    ),
)

_SCHEDULE_RETRY = block(
    "schedule.retry",
    "the retry of a schedule",
    OptionSpec("maxRetries", _T.INTEGER, "3", "How many more executions at most.", minimum=0),
    OptionSpec(
        "delaySeconds",
        _T.NUMBER,
        "60",
        "Seconds between the end of an execution and the next one.",
        minimum=0,
        unit="seconds",
    ),
)

_ACTION = block(
    "action",
    "an action",
    OptionSpec(
        "concurrency",
        _T.INTEGER,
        "5",
        "How many iterations a `parallel` loop of the action runs at once.",
        minimum=1,
    ),
)

MISSION_BLOCKS = (_MISSION, _SCHEDULE, _SCHEDULE_RETRY, _ACTION)
"""The blocks of this module."""
