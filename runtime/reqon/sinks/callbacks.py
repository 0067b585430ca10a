"""Hands events to a program's own callbacks, `on_action_start`, `on_progress` and so on.

Callbacks come after the commit that they tell of. What they raise is logged and changes nothing,
but for what is no `Exception` and so means to leave.
Progress is told ten times a second at most, and always the last of an action.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from reqon.clock import Clock, SystemClock
from reqon.errors import ConfigError
from reqon.events.model import (
    ActionCompleted,
    ActionStarted,
    Failed,
    PageFetched,
    Progressed,
    RunEnded,
    Stamped,
)

LOG = logging.getLogger(__name__)
NAMES = ("on_action_start", "on_action_complete", "on_error", "on_progress")
_SECONDS_BETWEEN = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an action has come; `total` is None while it is not known."""

    action: str
    current: int
    total: int | None


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error of a run; `facts` has all fields of the record's `errors[]`."""

    message: str
    kind: str
    action: str | None
    step: str | None
    file: str | None
    line: int | None
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> ErrorReport:
        """The report of an error as records hold it."""
        return cls(
            message=str(error.get("message", "")),
            kind=str(error.get("kind", "")),
            action=error.get("action"),
            step=error.get("step"),
            file=error.get("file"),
            line=error.get("line"),
            facts=error,
        )


class CallbackSink:
    """A sink around a mapping of names to functions, or an object with methods of those names.

    `leaving` is the SystemExit, KeyboardInterrupt or the like (`pytest.fail()`) of a callback,
    which is told to `on_leaving` and ends the callbacks: raised here, it would tear the event loop
    from under the run.
    """

    def __init__(
        self,
        callbacks: object,
        clock: Clock | None = None,
        on_leaving: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.leaving: BaseException | None = None
        self._on_leaving = on_leaving
        self._functions = _functions(callbacks)
        self._clock = clock or SystemClock()
        self._waiting: Progress | None = None
        self._told_at = float("-inf")

    async def receive(self, stamped: Stamped) -> None:
        """Call what belongs to the event."""
        match stamped.event:
            case ActionStarted(nested=False) as event:
                await self._call("on_action_start", event.action)
            case ActionCompleted(nested=False) as event:
                await self._tell_waiting()
                await self._call("on_action_complete", event.action, event.duration_ms)
            case PageFetched() as event:
                await self._progress(Progress(event.action, event.items, None))
            case Progressed() as event:
                await self._progress(Progress(event.action, event.current, event.total))
            case Failed() as event:
                await self._tell_waiting()
                await self._call("on_error", ErrorReport.of(event.error))
            case RunEnded():
                await self._tell_waiting()
            case _:
                pass

    async def _progress(self, progress: Progress) -> None:
        if self._waiting is not None and self._waiting.action != progress.action:
            await self._tell_waiting()
        self._waiting = progress
        if self._clock.monotonic() - self._told_at >= _SECONDS_BETWEEN:
            await self._tell_waiting()

    async def _tell_waiting(self) -> None:
        if self._waiting is not None:
            progress, self._waiting = self._waiting, None
            self._told_at = self._clock.monotonic()
            await self._call("on_progress", progress)

    async def _call(self, name: str, *arguments: object) -> None:
        function = self._functions.get(name)
        if function is None:
            return
        try:
            outcome = function(*arguments)
            if inspect.isawaitable(outcome):
                await outcome
        except Exception:
            LOG.exception("the callback %s failed; the run goes on", name)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            LOG.exception("the callback %s failed; the run goes on", name)
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._on_leaving is None:
                raise
            self.leaving = error
            self._functions = {}
            self._on_leaving(error)


def _is_cancelled() -> bool:
    """Whether the task itself is; what is cancelled in a callback alone is its own affair."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _functions(callbacks: object) -> dict[str, Callable[..., Any]]:
    if isinstance(callbacks, Mapping):
        entries = cast("Mapping[object, object]", callbacks)
        given = {_snake(str(name)): function for name, function in entries.items()}
        unknown = sorted(set(given) - set(NAMES))
        if unknown:
            raise ConfigError(
                f"unknown callback '{unknown[0]}'", hint=f"callbacks are {', '.join(NAMES)}"
            )
    else:
        given: dict[str, object] = {name: getattr(callbacks, name, None) for name in NAMES}
        if all(function is None for function in given.values()):
            raise TypeError(f"progress_callbacks has none of {', '.join(NAMES)}: {callbacks!r}")
    found: dict[str, Callable[..., Any]] = {}
    for name, function in given.items():
        if callable(function):
            found[name] = function
        elif function is not None:
            raise TypeError(f"the callback {name} must be a function, not {function!r}")
    return found


def _snake(name: str) -> str:
    """`on_progress` for `onProgress`, the spelling of other languages."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
