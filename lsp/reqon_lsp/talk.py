"""What the server says to the user of its own: messages with choices, progress, documents.

Nothing here is about internal errors: those go to the log. Each method does without what the
client cannot do.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from reqon_lsp.convert import uri_of
from reqon_lsp.replies import Abilities

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.25
_numbers = itertools.count(1)


@dataclass(slots=True)
class Talk:
    """The way to the user of one connection."""

    server: LanguageServer
    abilities: Abilities

    def log(self, text: str) -> None:
        """A line in the client's log."""
        self.server.window_log_message(types.LogMessageParams(types.MessageType.Info, text))

    def tell(self, text: str, *, warning: bool = False) -> None:
        """A message that the user asked for with a command."""
        kind = types.MessageType.Warning if warning else types.MessageType.Info
        self.server.window_show_message(types.ShowMessageParams(kind, text))

    async def ask(self, text: str, choices: list[str], *, error: bool = False) -> str | None:
        """A question; None where the user dismisses it, or the client cannot ask."""
        kind = types.MessageType.Error if error else types.MessageType.Info
        actions = [types.MessageActionItem(choice) for choice in choices]
        params = types.ShowMessageRequestParams(kind, text, actions)
        request = self.server.window_show_message_request_async(params)
        try:
            answer = await asyncio.shield(request)
        except JsonRpcException as error_reply:
            logger.info("the client cannot ask: %s", error_reply)
            return None
        return answer.title if answer is not None else None

    async def show(self, path: str) -> bool:
        """Open a file in the editor; whether that was done."""
        if not self.abilities.shows_documents:
            return False
        params = types.ShowDocumentParams(uri_of(path), take_focus=True)
        try:
            answer = await asyncio.shield(self.server.window_show_document_async(params))
        except JsonRpcException as error_reply:
            logger.info("the client cannot show a document: %s", error_reply)
            return False
        return bool(answer.success)

    async def progress(self, title: str, on_cancel: Callable[[], None]) -> Progress:
        """A progress item with a cancel button, where the client has such."""
        token = f"reqon-{next(_numbers)}"
        if not self.abilities.progress:
            return Progress(self.server, None)
        create = types.WorkDoneProgressCreateParams(token)
        try:
            await asyncio.shield(self.server.window_work_done_progress_create_async(create))
        except JsonRpcException as error_reply:
            logger.info("the client shows no progress: %s", error_reply)
            return Progress(self.server, None)
        item = Progress(self.server, token)
        begin = types.WorkDoneProgressBegin(title=title, cancellable=True)
        self.server.work_done_progress.begin(token, begin)
        future: Future[None] = _tokens(self.server)[token]
        future.add_done_callback(lambda done: on_cancel() if done.cancelled() else None)
        return item


@dataclass(slots=True)
class Progress:
    """One progress item; without a token it does nothing."""

    server: LanguageServer
    token: str | None
    _last: float = field(default=0.0)

    def report(self, text: str, percent: int | None) -> None:
        """Where the work is now; at most four times a second."""
        now = time.monotonic()
        if self.token is None or now - self._last < _REPORT_SECONDS:
            return
        self._last = now
        report = types.WorkDoneProgressReport(cancellable=True, message=text, percentage=percent)
        self.server.work_done_progress.report(self.token, report)

    def end(self, text: str) -> None:
        """The work is over."""
        if self.token is None:
            return
        self.server.work_done_progress.end(self.token, types.WorkDoneProgressEnd(message=text))
        _tokens(self.server).pop(self.token, None)  # the library keeps them for ever


def _tokens(server: LanguageServer) -> dict[int | str, Future[None]]:
    """The cancellations of the progress items, by token."""
    return server.work_done_progress.tokens  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def one_line(result: Mapping[str, Any]) -> str:
    """The end of a run in a sentence."""
    error = result.get("error")
    if isinstance(error, Mapping):
        return str(error.get("message"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return str(result.get("status") or f"exit code {result.get('exitCode')}")
