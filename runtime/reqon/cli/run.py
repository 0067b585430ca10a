"""`reqon run` (or `reqon PATH`): runs missions and says how they ended.

Reads options, selects missions, watches them with sinks, turns signals into an orderly stop. What
a run does is the engine's; how its result reads is `outcome`'s.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from reqon.cli import console, records
from reqon.cli.debugging import TerminalDebugger
from reqon.cli.files import replace_file
from reqon.cli.invocation import Invocation, ReqonCommand, pass_invocation
from reqon.cli.junit import Case, junit_xml
from reqon.cli.main import COMMANDS
from reqon.cli.outcome import say_errors, say_how_to_resume, show_outcome
from reqon.cli.output import Output
from reqon.cli.programs import Sources
from reqon.cli.run_options import RunRequest, run_options
from reqon.cli.running import stopping_on_signals
from reqon.cli.selection import Selected, say_check_error, select
from reqon.engine.debugging import Debugger
from reqon.engine.run import (
    ResumeChoice,
    RunControl,
    RunOptions,
    RunResult,
    explained,
    names_a_state_store,
    run_mission,
)
from reqon.engine.shown import folder_around, shown_path
from reqon.errors import CheckError, ConfigError, ExitCode, Interrupted, ReqonError
from reqon.events.model import Failed, RunEnded, RunStarted
from reqon.events.stream import Sink
from reqon.settings import Settings, load_settings
from reqon.sinks.log import EventLineSink, JsonLogSink, LogSink
from reqon.sinks.progress import ProgressSink
from reqon.sinks.sentences import error_sentence
from reqon.state.reader import StateReader

EPILOG = """\b
Examples:
  reqon ./missions/                       run all missions of a folder
  reqon sync.vague --resume               go on where it was interrupted
  reqon ./missions/ --mission CustomerSync --dry-run
  reqon sync.vague --format json | jq .event
\b
Exit codes: 0 success, 1 a mission failed, 2 the program has errors,
3 configuration, 4 refused because of state, 130/143 interrupted.
"""


@click.command("run", cls=ReqonCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@run_options
@pass_invocation
def command(invocation: Invocation, **given: Any) -> Awaitable[int]:
    """Run missions.

    PATH is a .vague or .reqon file, a mission folder, or a folder of missions. All missions found
    run one after another; the highest of their exit codes counts.
    """
    return Runner(invocation, RunRequest.of(given)).run()


_SHOWN = 5
_STARTS_ANEW = "starts, nothing to resume"
_TOLD_AT_THE_END = (Failed, RunEnded)


class Runner:
    """Runs what a command line asks for."""

    def __init__(self, invocation: Invocation, request: RunRequest) -> None:
        self._invocation = invocation
        self._request = request
        self._sources = Sources()
        self._control = RunControl()
        self._is_json = request.form == "json"
        self._output = Output(request.output) if request.output and not request.dry_run else None

    async def run(self) -> int:
        """Run all selected missions; the highest exit code counts."""
        request = self._request
        try:
            selected = select(request.paths, request.missions, list(COMMANDS), self._sources)
            selected = self._having_the_execution(selected)
            settings = load_settings(
                os.environ, folder=Path(), env_file=request.env_file, auth_file=request.auth
            )
            if self._output is not None:
                self._output.prepare()
        except ReqonError as error:
            return self._refuse(error)
        self._say_what_resumes(selected)
        results: list[RunResult] = []
        with stopping_on_signals(self._control.interrupt) as stopping:
            for choice in selected:
                results.append(await self._run_one(choice, settings))
                if stopping.signal_name is not None or self._control.interrupted:
                    break
        self._write_report(results)
        return max([ExitCode.SUCCESS, *(result.exit_code for result in results)])

    def _having_the_execution(self, selected: Sequence[Selected]) -> Sequence[Selected]:
        """With `--execution`: the mission whose execution it is, out of several."""
        wanted = self._request.execution
        if wanted is None or len(selected) == 1:
            return selected
        reader = StateReader(self._invocation.state_dir)
        having = [one for one in selected if reader.record(wanted, one.mission) is not None]
        having = having or [one for one in selected if self._is_kept_elsewhere(one)]
        if not having:
            known = ", ".join(state.execution_id for state in reader.history(limit=_SHOWN))
            raise ConfigError(
                f"none of the missions has an execution '{wanted}'",
                hint=f"known: {known}" if known else "there are no executions at all",
            )
        return having

    def _write_report(self, results: Sequence[RunResult]) -> None:
        """The JUnit file of `--report`."""
        path = self._request.report
        if path is not None:
            text = junit_xml("reqon", [_junit_case(result) for result in results])
            replace_file(path, f"{text}\n".encode("utf-8", "replace"))

    def _say_what_resumes(self, selected: Sequence[Selected]) -> None:
        """With `--resume`: which missions go on and which start anew, in one line."""
        request = self._request
        wanted = request.resume or (request.dry_run and (request.resume_only or request.execution))
        if not wanted or request.quiet or self._is_json:
            return
        if request.dry_run:
            console.say_warning(
                "a dry run goes through missions from their start; "
                "`reqon status MISSION` tells where a resume would go on"
            )
            return
        reader = StateReader(self._invocation.state_dir)
        parts: list[str] = []
        for choice in selected:
            if self._is_kept_elsewhere(choice):
                continue  # only the store knows; the run says it when it has asked
            found = reader.candidates(choice.mission, self._program_path(choice))
            where = records.place(found[0].record) if found else ""
            goes_on = f"goes on at {where}" if where else "goes on"
            parts.append(f"{choice.mission} {goes_on if found else _STARTS_ANEW}")
        if parts:
            console.say("; ".join(parts))

    def _program_path(self, choice: Selected) -> str | None:
        """The file of the mission as records name it."""
        mission = choice.program.mission(choice.mission)
        if mission is None:
            return None
        return shown_path(mission.mission.path, folder_around(self._invocation.state_dir))

    @staticmethod
    def _is_kept_elsewhere(choice: Selected) -> bool:
        return names_a_state_store(choice.program, choice.mission)

    def _refuse(self, error: ReqonError) -> ExitCode:
        """Nothing can be run at all."""
        if self._is_json:
            console.show_json_line(_result_line(None, error, error.exit_code))
        self._say_error(error)
        return error.exit_code

    def _say_error(self, error: ReqonError | None) -> None:
        if isinstance(error, CheckError):
            say_check_error(error, self._sources)
        elif error is not None:
            console.say_error(error)

    def _explain(self, choice: Selected) -> None:
        """With `--dry-run`: what the mission does, before what it would do now."""
        request = self._request
        if not request.dry_run or request.quiet or self._is_json:
            return
        with suppress(ReqonError):  # the run reports it
            lines = explained(choice.program, choice.mission)
            console.show_lines(
                [console.paint(choice.mission, "strong"), *(f"  {line}" for line in lines)]
            )

    async def _run_one(self, choice: Selected, settings: Settings) -> RunResult:
        self._explain(choice)
        with ExitStack() as stack:
            sinks = self._sinks(stack, choice)
            result = await run_mission(
                choice.program, choice.mission, self._options(settings), sinks, self._control
            )
        self._report(choice, result)
        return result

    def _options(self, settings: Settings) -> RunOptions:
        request = self._request
        return RunOptions(
            state_dir=self._invocation.state_dir,
            resume=_resume_choice(request),
            force=request.force,
            wait_seconds=None if request.wait_ms is None else request.wait_ms / 1000,
            full=request.full,
            since=request.since,
            until=request.until,
            limit=request.limit,
            variables=request.variables,
            dry_run=request.dry_run,
            settings=settings,
            unknown=request.unknown,
            on_stores=None if self._output is None else self._output.write,
            debugger=self._debugger(),
        )

    def _debugger(self) -> Debugger | None:
        if not self._request.debug:
            return None
        return TerminalDebugger(self._sources, lambda: self._control.interrupt("SIGINT"))

    def _sinks(self, stack: ExitStack, choice: Selected) -> Sequence[Sink]:
        """Who watches: event lines, or progress with the log above it, or the log alone."""
        if self._is_json:
            return [EventLineSink(console.show_json_line)]
        level = self._log_level()
        if self._invocation.log_format == "json":
            return [JsonLogSink(console.say, level)]
        if self._draws_progress():
            progress = stack.enter_context(ProgressSink())
            return [progress, LogSink(_painted(progress.write), "warning", _TOLD_AT_THE_END)]
        is_said = self._request.resume and not self._is_kept_elsewhere(choice)
        told = (RunStarted, *_TOLD_AT_THE_END) if is_said else _TOLD_AT_THE_END
        return [LogSink(_painted(console.say), level, told)]

    def _draws_progress(self) -> bool:
        request = self._request
        if request.dry_run or request.debug:
            return False
        if request.progress is not None:
            return request.progress and console.is_watched()
        return console.is_watched() and not (request.quiet or request.verbose)

    def _log_level(self) -> str:
        if self._invocation.log_level is not None:
            return self._invocation.log_level
        if self._request.quiet:
            return "error"
        return "debug" if self._request.verbose else "info"

    def _report(self, choice: Selected, result: RunResult) -> None:
        """The result on standard output, reasons and the way on to standard error."""
        if self._is_json:
            console.show_json_line(
                _result_line(
                    result.record, result.error, result.exit_code, dry_run=self._request.dry_run
                )
            )
            return
        if result.status is None:
            self._say_error(result.error)
            return
        if not self._request.quiet or result.status != "completed":
            show_outcome(result.record, dry_run=self._request.dry_run)
        if result.status == "failed":
            say_errors(result.record, self._sources)
        elif not isinstance(result.error, Interrupted):
            self._say_error(result.error)
        if not self._request.dry_run:
            say_how_to_resume(result.record, choice.path, self._way_back(choice))

    def _way_back(self, choice: Selected) -> list[str]:
        """Options that the resume command needs as well."""
        named = ["--mission", choice.mission] if self._request.missions else []
        return [*named, *self._invocation.state_dir_arguments]


def _junit_case(result: RunResult) -> Case:
    milliseconds = records.whole(result.record.get("durationMs"))
    seconds = None if milliseconds is None else milliseconds / 1000
    if result.status == "completed":
        return Case(result.mission, "reqon", seconds)
    message = result.error.message if result.error is not None else result.status or "not run"
    details = "\n".join(
        error_sentence(error) for error in records.objects(result.record.get("errors"))
    )
    return Case(result.mission, "reqon", seconds, (message, details or message))


def _resume_choice(request: RunRequest) -> ResumeChoice | str:
    if request.execution is not None:
        return request.execution
    if request.resume_only:
        return ResumeChoice.ONLY
    return ResumeChoice.IF_ANY if request.resume else ResumeChoice.NEVER


def _painted(write: Any) -> Any:
    """A writer of log lines that colors what needs attention."""

    def write_line(level: str, line: str) -> None:
        mark = "" if level in ("debug", "info") else console.paint(f"{level}: ", level)
        write(f"{mark}{line}")

    return write_line


def _result_line(
    record: Mapping[str, Any] | None,
    error: ReqonError | None,
    code: ExitCode,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """The last line of `--format json`."""
    record = record or {}
    line: dict[str, Any] = {
        "event": "result",
        "status": record.get("status"),
        "executionId": record.get("executionId"),
        "mission": record.get("mission"),
        "exitCode": int(code),
    }
    if dry_run:
        line["dryRun"] = True
    if error is not None:
        line["error"] = {"message": error.message, "hint": error.hint}
    if record:
        line["stores"] = records.mapping(record.get("stores"))
        line["record"] = record
    return line
