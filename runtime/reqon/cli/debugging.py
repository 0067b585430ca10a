"""`reqon run --debug`: missions gone through step by step, in the terminal.

The engine asks before each step; here is what a person then sees and may say. Reads and shows
only: a step runs as it would without, and quitting leaves the run in order, to be resumed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from reqon.cli import console, wording
from reqon.cli.programs import Sources
from reqon.engine.debugging import Here
from reqon.errors import RunError
from reqon.plan.model import Site
from reqon.values.json_form import json_form
from reqon.values.scope import Value
from reqon.values.show import kind_of, show

PROMPT = "debug> "
_MOST_LINES = 40
_FEW_LINES = 16
_FEW_RECORDS = 5
_AROUND = 2
"""So many lines of the program are shown before and behind the step's own."""

Say: TypeAlias = Callable[[str], None]


class Pace(Enum):
    """Where the run stops next."""

    STEP = "the next step, wherever it is"
    NEXT = "the next step that is not inside of this one"
    CONTINUE = "the next breakpoint"


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A place to stop at: a line of a file, or (line None) the first step of an action."""

    file: str
    line: int | None
    action: str

    def is_at(self, site: Site) -> bool:
        """Whether the step is there."""
        if self.line is None:
            return site.path.action == self.action and site.path.segments == (0,)
        place = site.place
        return place is not None and place.file == self.file and place.line == self.line

    def __str__(self) -> str:
        return f"action {self.action}" if self.line is None else f"{self.file}:{self.line}"


class LineReader:
    """Lines typed at a terminal, read without holding up the event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = b""

    async def read(self) -> str | None:
        """The next line; None at the end of the input."""
        while b"\n" not in self._waiting:
            data = await self._arrived()
            if not data:
                return None
            self._waiting += data
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line.decode("utf-8", "replace")

    async def _arrived(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._descriptor, _settle, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._descriptor)
        try:
            return os.read(self._descriptor, 1 << 16)
        except OSError:  # the terminal is gone
            return b""


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class TerminalDebugger:
    """The engine's `Debugger`: shows the step, and does what is typed until the run goes on.

    `leave` asks the run to stop in order. While somebody is asked all branches stand still at
    their next step.
    """

    def __init__(
        self,
        sources: Sources,
        leave: Callable[[], None],
        read: Callable[[], Awaitable[str | None]] | None = None,
        say: Say = console.say,
    ) -> None:
        self._sources = sources
        self._leave = leave
        self._read = read or LineReader(sys.stdin.fileno()).read
        self._say = say
        self._sites: list[Site] = []
        self._breakpoints: list[Breakpoint] = []
        self._pace = Pace.STEP
        self._depth = 0
        self._again = Pace.NEXT
        self._turn = asyncio.Lock()
        self._greeted = False

    def watch(self, site: Site) -> None:
        """A step of the mission that is bound."""
        self._sites.append(site)

    async def before(self, here: Here) -> None:
        """Stop in front of a step where somebody wants to."""
        async with self._turn:
            if not self._stops_at(here):
                return
            if not self._greeted:
                self._greeted = True
                self._say("Stopped before the first step; 'help' lists the commands.")
            for line in self._place(here):
                self._say(line)
            while not await self._obey(here):
                pass

    def _stops_at(self, here: Here) -> bool:
        if any(one.is_at(here.site) for one in self._breakpoints):
            return True
        if self._pace is Pace.NEXT:
            return here.depth <= self._depth
        return self._pace is Pace.STEP

    # ---------------------------------------------------------------- what is shown

    def _place(self, here: Here) -> list[str]:
        """`file:line:column  action, item n of m`, and the program around the step."""
        place = here.site.place
        where = "?" if place is None else f"{place.file}:{place.line}:{place.column}"
        loops = "".join(f", item {loop.number:,} of {loop.total:,}" for loop in here.loops())
        lines = ["", f"{console.paint(where, 'strong')}  {here.action}{loops}"]
        source = None if place is None else self._sources.get(place.file)
        if place is None or source is None:
            return [*lines, f"  > {here.site.text}"]
        first = max(1, place.line - _AROUND)
        last = min(len(source.line_starts), place.line + _AROUND)
        room = max(20, console.width(sys.stderr) - len(str(last)) - 7)
        for number in range(first, last + 1):
            mark = ">" if number == place.line else " "
            text = wording.shortened(wording.one_line(source.line(number)), room)
            line = f"  {mark} {number:>{len(str(last))}} | {text}".rstrip()
            lines.append(console.paint(line, "strong") if mark == ">" else line)
        return lines

    def _tell(self, here: Here, text: str) -> None:
        """Say something that may hold data: without the secrets of the run."""
        self._say(here.redact(text))

    def _tell_value(self, here: Here, value: Value, most: int = _MOST_LINES) -> None:
        """A value as JSON, its beginning where it is long."""
        lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
        for line in lines[:most]:
            self._tell(here, wording.one_line(line))
        if len(lines) > most:
            self._say(f"… {len(lines) - most:,} more lines; print a part of it")

    def _tell_fields(self, here: Here, fields: Sequence[tuple[str, str]]) -> None:
        for line in wording.fields([(a, here.redact(b)) for a, b in fields], _width()):
            self._say(line)

    # ---------------------------------------------------------------- what is typed

    async def _obey(self, here: Here) -> bool:
        """Read a command and do it; whether the step may run."""
        sys.stderr.write(PROMPT)
        sys.stderr.flush()
        line = await self._read()
        if line is None:
            self._say("")
            return await self._quit()
        word, _, rest = line.strip().partition(" ")
        if not word:
            return self._go(self._again, here)
        name = _NAMES.get(word)
        match name:
            case "next" | "step" | "continue":
                return self._go(_PACES[name], here)
            case "quit":
                return await self._quit()
            case None:
                self._say(f"there is no command '{word}'; 'help' lists them")
            case _:
                self._answer(name, rest.strip(), here)
        return False

    def _go(self, pace: Pace, here: Here) -> bool:
        self._pace, self._again, self._depth = pace, pace, here.depth
        return True

    async def _quit(self) -> bool:
        """Leave the run in order: the engine ends this wait."""
        self._leave()
        await asyncio.get_running_loop().create_future()
        return False

    def _answer(self, name: str, rest: str, here: Here) -> None:
        try:
            match name:
                case "print":
                    self._print(rest, here)
                case "variables":
                    self._variables(here)
                case "response":
                    self._response(here)
                case "stores":
                    self._stores(rest, here)
                case "break":
                    self._break(rest, here)
                case "delete":
                    self._delete(rest)
                case "where":
                    self._where(here)
                case _:
                    self._help()
        except RunError as error:
            self._tell(here, f"error: {error.message}")
            if error.hint:
                self._tell(here, f"  help: {error.hint}")

    # ---------------------------------------------------------------- looking

    def _print(self, text: str, here: Here) -> None:
        if not text:
            self._say("print what? Any expression will do, such as 'print length(response)'")
            return
        value, warnings = here.evaluate(text)
        self._tell_value(here, value)
        for warning in warnings:
            self._tell(here, f"warning: {warning}")

    def _variables(self, here: Here) -> None:
        found = here.variables()
        if not found:
            self._say("no variables here")
        self._tell_fields(here, [(name, _described(value)) for name, value in found.items()])

    def _response(self, here: Here) -> None:
        self._tell_value(here, json_form(here.response()), _FEW_LINES)

    def _stores(self, name: str, here: Here) -> None:
        stores = here.stores()
        if not name:
            if not stores:
                self._say("the mission has no stores")
            sizes = {one: view.count() for one, view in stores.items()}
            self._tell_fields(here, [(n, wording.counted(s, "record")) for n, s in sizes.items()])
            return
        if name not in stores:
            self._say(f"there is no store '{name}'; stores are: {', '.join(stores) or 'none'}")
            return
        view = stores[name]
        self._tell_value(here, json_form(view.list()[:_FEW_RECORDS]))
        if view.count() > _FEW_RECORDS:
            self._say(f"… the first {_FEW_RECORDS} of {view.count():,} records")

    def _where(self, here: Here) -> None:
        loops = [f"item {loop.number:,} of {loop.total:,}" for loop in here.loops()]
        for line in self._place(here)[1:]:
            self._say(line)
        self._tell_fields(here, [("step", str(here.site.path)), ("loops", ", ".join(loops) or "-")])

    # ---------------------------------------------------------------- places to stop at

    def _break(self, text: str, here: Here) -> None:
        if not text:
            for number, one in enumerate(self._breakpoints, start=1):
                self._say(f"  {number}  {one}")
            if not self._breakpoints:
                self._say("no breakpoints; 'break 12', 'break file.vague:12' or 'break Action'")
            return
        found = self._breakpoint(text, here)
        if found is None:
            self._say(f"no step at '{text}': give a line that has steps, or an action's name")
        elif found not in self._breakpoints:
            self._breakpoints.append(found)
            self._say(f"breakpoint {len(self._breakpoints)} at {found}")

    def _breakpoint(self, text: str, here: Here) -> Breakpoint | None:
        """The first step on the line or behind it; the action's first step for a name."""
        if any(site.path.action == text for site in self._sites):
            return Breakpoint("", None, text)
        name, _, number = text.rpartition(":")
        if not number.isdecimal():
            return None
        current = here.site.place.file if here.site.place else ""
        lines = [
            (site.place.line, site.place.file)
            for site in self._sites
            if site.place is not None
            and site.place.line >= int(number)
            and (site.place.file.endswith(name) if name else site.place.file == current)
        ]
        return None if not lines else Breakpoint(min(lines)[1], min(lines)[0], "")

    def _delete(self, text: str) -> None:
        if not text:
            self._breakpoints.clear()
            self._say("all breakpoints are deleted")
        elif text.isdecimal() and 0 < int(text) <= len(self._breakpoints):
            self._say(f"deleted the breakpoint at {self._breakpoints.pop(int(text) - 1)}")
        else:
            self._say(f"no breakpoint '{text}'; 'break' lists them with their numbers")

    def _help(self) -> None:
        for line in wording.fields(HELP, _width()):
            self._say(line)


HELP: Sequence[tuple[str, str]] = (
    ("next, n", "run this step, with all inside of it, and stop before the one behind it"),
    ("step, s", "run up to the next step, inside of this one where it has any"),
    ("continue, c", "run up to the next breakpoint, or to the end"),
    ("break, b", "set a breakpoint: 'break 12', 'break file.vague:12', 'break Action'; list them"),
    ("delete, d", "delete a breakpoint by its number, or all of them"),
    ("print, p", "evaluate an expression here: 'print length(response.items)'"),
    ("variables, v", "the variables that this step sees"),
    ("response, r", "what 'response' is"),
    ("stores, st", "the stores and their sizes; 'stores NAME' shows the first records"),
    ("where, w", "the step, and the items of the loops around it"),
    ("quit, q", "stop in order; the run can be resumed"),
    ("help, h", "this list"),
    ("(nothing)", "the last next, step or continue again"),
)
_PACES = {"next": Pace.NEXT, "step": Pace.STEP, "continue": Pace.CONTINUE}
_NAMES = {
    word.strip(): words.partition(",")[0]
    for words, _ in HELP
    if not words.startswith("(")
    for word in words.split(",")
}


def _described(value: Value) -> str:
    return "null" if value is None else f"{show(value)} ({kind_of(value)})"


def _width() -> int:
    return console.width(sys.stderr)
