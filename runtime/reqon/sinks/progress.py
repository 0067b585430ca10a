"""Progress drawn on a terminal: a counter of pages, a bar for a loop, a line an action.

Only for a person who watches: nothing is drawn where standard error is no terminal. Lines of the
log appear above the bars through `write`.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from reqon.events.model import (
    ActionCompleted,
    ActionStarted,
    PageFetched,
    Progressed,
    RunStarted,
    Stamped,
)

_BAR_WIDTH = 24


class ProgressSink:
    """Draws while it is entered as a context; what it drew last stays on the screen."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(_BAR_WIDTH),
            TextColumn("{task.fields[detail]}", justify="right"),
            TimeElapsedColumn(),
            console=console or Console(stderr=True, highlight=False, soft_wrap=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressSink:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def write(self, line: str) -> None:
        """Put a line, which may hold colours, above what is drawn."""
        self._progress.console.print(Text.from_ansi(line))

    async def receive(self, stamped: Stamped) -> None:
        """Show what the event tells."""
        match stamped.event:
            case RunStarted(resumed=False):
                self.write(f"{stamped.mission} started")
            case ActionStarted(nested=False) as event:
                self._start(event.action)
            case PageFetched() as event:
                self._show(event.action, f"page {event.page:,}, {event.items:,} items")
            case Progressed(total=None) as event:
                self._show(event.action, f"{event.current:,} items")
            case Progressed() as event:
                self._show(
                    event.action, f"{event.current:,}/{event.total:,}", event.current, event.total
                )
            case ActionCompleted(nested=False) as event:
                self._complete(event.action)
            case _:
                pass

    def _start(self, action: str) -> None:
        if action not in self._tasks:
            self._tasks[action] = self._progress.add_task(action, total=None, detail="")

    def _show(
        self, action: str, detail: str, current: int | None = None, total: int | None = None
    ) -> None:
        task = self._tasks.get(action)
        if task is not None:
            self._progress.update(task, completed=current or 0, total=total, detail=detail)

    def _complete(self, action: str) -> None:
        task = self._tasks.get(action)
        if task is not None:
            self._progress.update(task, completed=1, total=1)
            self._progress.stop_task(task)
