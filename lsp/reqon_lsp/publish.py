"""Diagnostics on their way to the client: coalesced, versioned, and cleared when they are over.

One channel (push). A program that is not known yet is read on a thread beside the event loop, so
that a large folder stops no other answer; from then on an edit is checked at once; where checks
are slow, edits that arrive are gathered, and the newest text is checked next. What was published
for a file that left is replaced by an empty list.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from reqon_lsp.analysis import Analysis, Snapshot
from reqon_lsp.convert import (
    Encoding,
    Json,
    LineIndex,
    diagnostic,
    line_index,
    plain_range,
    uri_of,
)
from reqon_lsp.protocol import Prepared
from reqon_lsp.worker import Worker
from vague.diagnostics import Diagnostic, RelatedPlace, Severity, sort_key
from vague.text import Span

logger = logging.getLogger(__name__)

_MAX_PER_FILE = 1000
_CHEAP_SECONDS = 0.02
_MAX_WAIT_SECONDS = 0.15

Send = Callable[[Prepared], None]
"""Takes the parameters of one notification."""


@dataclass(slots=True)
class Publisher:
    """Checks what was poked and publishes what changed."""

    analysis: Analysis
    send: Send
    after_check: Callable[[], None]
    encoding: Encoding = "utf-16"
    beside: Callable[[Snapshot], Iterable[Diagnostic]] = lambda _: ()
    related_information: bool = False
    describes_codes: bool = False
    worker: Worker = field(default_factory=Worker)
    words_known: Callable[[], Awaitable[None]] | None = None
    """Awaited before a program is read for the first time."""
    _dirty: dict[str, None] = field(default_factory=dict)
    _reading: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _published: dict[str, tuple[int | None, list[Diagnostic]]] = field(default_factory=dict)
    _scheduled: bool = False
    _costs: tuple[float, float] = (0.0, 0.0)
    _free_at: float = 0.0

    def poke(self, path: str) -> None:
        """The document changed: check it as soon as that costs no one a key stroke."""
        self._dirty[path] = None
        self._schedule()

    def _schedule(self) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        wait = self._free_at - time.perf_counter()
        if wait <= 0:
            loop.call_soon(self._run)
        else:
            loop.call_later(wait, self._run)

    def flush(self, path: str) -> None:
        """Check a document that waits for it now, because a request is about its newest text."""
        if path in self._dirty:
            self._run()

    def first_reading(self, path: str) -> asyncio.Task[None] | None:
        """The reading of a document's program that must end before anything is known of it."""
        if path not in self.analysis.session.files.texts or self.analysis.is_too_large(path):
            return None
        if self.analysis.snapshot(path) is not None:
            return None
        self.flush(path)
        return self._reading.get(self.analysis.root_of(path).path)

    def publish_again(self) -> None:
        """What stands beside the checks has changed: send it for the programs that are there."""
        for snapshot in list(self.analysis.snapshots.values()):
            self._publish(snapshot)

    def publish_closed(self, snapshot: Snapshot) -> None:
        """Say what is wrong in a program that no open document belongs to."""
        if snapshot.program.root.path not in self.analysis.snapshots:
            self._publish(snapshot)

    def clear_closed(self, snapshot: Snapshot) -> None:
        """A program that no open document belongs to is gone from the disk."""
        self._clear(set(snapshot.program.files) - self._covered())

    def close(self, path: str) -> None:
        """The document was closed: what is on the disk counts again, or nothing at all."""
        if self.analysis.session.workspace_folder(path) is not None:
            self._dirty[path] = None
            self._run()
        for snapshot in self.analysis.forget(self.analysis.session.files.texts):
            self._clear(snapshot.program.files)
        self._clear([path] if path not in self._covered() else [])

    def _covered(self) -> set[str]:
        return {path for s in self.analysis.snapshots.values() for path in s.program.files}

    def _run(self) -> None:
        self._scheduled = False
        dirty, self._dirty = self._dirty, {}
        started = time.perf_counter()
        done: set[str] = set()
        for path in dirty:
            root = self.analysis.root_of(path).path
            if root in self._reading:
                self._dirty[path] = None
            elif root not in done:
                done.add(root)
                self._check(path, root)
        if done:
            self._pause_after(started)
            self.after_check()

    def _pause_after(self, started: float) -> None:
        """After a dear check gather edits for as long as it took: half of the time is for others.

        One dear check among cheap ones, such as the first of a file, makes nobody wait.
        """
        ended = time.perf_counter()
        self._costs = (self._costs[1], ended - started)
        cost = min(self._costs)
        pause = min(cost, _MAX_WAIT_SECONDS) if cost > _CHEAP_SECONDS else 0.0
        self._free_at = ended + pause

    def _check(self, path: str, root: str) -> None:
        if self.analysis.is_too_large(path):
            self.analysis.drop(path)
            self._publish_too_large(path)
        elif root in self.analysis.snapshots:
            self._check_again(path)
        elif self.analysis.is_open(root):
            self._reading[root] = asyncio.ensure_future(self._check_first(path, root))

    def _check_again(self, path: str) -> None:
        try:
            before = self.analysis.snapshot(path)
            snapshot = self.analysis.update(path)
            self._publish(snapshot)
            if before is not None:
                self._clear(set(before.program.files) - self._covered())
        except OSError as error:  # the file left while it was looked at
            logger.info("cannot read %s: %s", path, error)
        except Exception:  # a failing check must not end the server
            logger.exception("cannot check %s", path)

    async def _check_first(self, path: str, root: str) -> None:
        """Read a program for the first time, beside the event loop."""
        try:
            if self.words_known is not None:
                await self.words_known()
            reading = self.analysis.reading(path, self.analysis.session.files.as_of_now())
            snapshot = await self.worker.do(reading.read)
        except OSError as error:
            logger.info("cannot read %s: %s", path, error)
        except Exception:  # a failing check must not end the server
            logger.exception("cannot check %s", path)
        else:
            self._take(snapshot)
        finally:
            del self._reading[root]
            if self._dirty:
                self._schedule()
        self.after_check()

    def _take(self, snapshot: Snapshot) -> None:
        """Keep what the other thread has read, unless everything was closed meanwhile."""
        root = snapshot.program.root.path
        if not self.analysis.is_open(root):
            return
        self.analysis.keep(snapshot)
        gc.freeze()  # trees live long: going through them again and again costs key strokes
        if all(self.analysis.root_of(path).path != root for path in self._dirty):
            self._publish(snapshot)  # else the edits that came meanwhile are checked at once

    def _publish_too_large(self, path: str) -> None:
        opened = self.analysis.session.files.texts[path]
        limit = self.analysis.session.settings.max_file_size
        found = Diagnostic(
            "too-large",
            Severity.INFO,
            path,
            Span(0, 0),
            f"this file is not checked: it has more than {limit:,} characters",
            "the setting 'reqon.maxFileSize' moves the limit",
        )
        index = line_index("", self.encoding)
        self._published[path] = (opened.version, [found])
        self._send(path, opened.version, [diagnostic(found, index)])

    def _publish(self, snapshot: Snapshot) -> None:
        by_path: dict[str, list[Diagnostic]] = {path: [] for path in snapshot.program.files}
        for found in (*snapshot.checked.diagnostics, *self.beside(snapshot)):
            by_path.setdefault(found.path, []).append(found)
        for path, own in by_path.items():
            found = self._with_other_programs(path, own, snapshot)
            opened = self.analysis.session.files.texts.get(path)
            version = opened.version if opened else None
            if self._published.get(path, (None, [])) == (version, found):
                continue
            self._published[path] = (version, found)
            self._send(path, version, self._converted(path, found, snapshot))

    def _with_other_programs(
        self, path: str, own: list[Diagnostic], snapshot: Snapshot
    ) -> list[Diagnostic]:
        """A file that several programs share has the problems of all of them, each once."""
        others = [
            other
            for other in self.analysis.snapshots.values()
            if path in other.program.files and other.program.root != snapshot.program.root
        ]
        if not others:
            return own
        every = [*own, *(found for other in others for found in other.diagnostics(path))]
        distinct = {(found.code, found.span, found.message): found for found in every}
        return sorted(distinct.values(), key=sort_key)

    def _converted(self, path: str, found: list[Diagnostic], snapshot: Snapshot) -> list[Json]:
        index = self._index(path, snapshot)
        return [
            diagnostic(
                each,
                index,
                [self._related(place, snapshot) for place in self._places(each)],
                describe=self.describes_codes,
            )
            for each in found[:_MAX_PER_FILE]
        ]

    def _places(self, found: Diagnostic) -> Iterable[RelatedPlace]:
        return found.related if self.related_information else ()

    def _related(self, place: RelatedPlace, snapshot: Snapshot) -> Json:
        range_ = plain_range(place.span, self._index(place.path, snapshot))
        return {
            "location": {"uri": self._uri(place.path), "range": range_},
            "message": place.message,
        }

    def _index(self, path: str, snapshot: Snapshot) -> LineIndex:
        source = snapshot.program.files.get(path)
        return line_index(source.parsed.source.text if source else "", self.encoding)

    def _clear(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self._published.pop(path, (None, []))[1]:
                self._send(path, None, [])

    def _uri(self, path: str) -> str:
        opened = self.analysis.session.files.texts.get(path)
        return opened.uri if opened else uri_of(path)

    def _send(self, path: str, version: int | None, found: list[Json]) -> None:
        params: Json = {"uri": self._uri(path), "diagnostics": found}
        if version is not None:
            params["version"] = version
        self.send(Prepared.of(params))
