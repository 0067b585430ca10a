"""JSON-RPC as strict clients and broken ones need it: every request gets exactly one reply.

The stock protocol turns nested objects that carry a `jsonrpc` key into messages, never answers a
malformed request, and answers nothing after `shutdown`. Here a message is read as plain JSON
first and given its type at the top, inside a fence that can reply.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcInvalidRequest
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method
from pygls.workspace import TextDocument, Workspace

from reqon_lsp.convert import Encoding, line_index

logger = logging.getLogger(__name__)

SERVER_NOT_INITIALIZED = -32002
INVALID_REQUEST = -32600
REQUEST_FAILED = -32803
REQUEST_CANCELLED = -32800

MessageId = int | str


def refused(text: str) -> JsonRpcException:
    """The error reply to a request that was understood and cannot be done."""
    return JsonRpcException(text, REQUEST_FAILED)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A result, or the parameters of a notification, as it goes out: JSON, for what is long.

    Making it from plain lists and dictionaries takes a tenth of the time of the client's types.
    """

    json: str

    @classmethod
    def of(cls, value: Any) -> Prepared:
        """A result of plain lists and dictionaries."""
        return cls(json.dumps(value, separators=(",", ":")))


class SyncedDocument(TextDocument):
    """An open text whose lines end where the protocol says, and nowhere else.

    The stock class also splits at U+2028, form feeds and the like, and so loses its place.
    """

    encoding: Encoding = "utf-16"

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        text = self.source
        span = line_index(text, self.encoding).span(change.range)
        self._source = text[: span.start] + change.text + text[span.end :]


class SyncedWorkspace(Workspace):
    """The client's folders and open texts."""

    encoding: Encoding = "utf-16"

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> TextDocument:
        document = SyncedDocument(doc_uri, source, version, language_id, sync_kind=self._sync_kind)
        document.encoding = self.encoding
        return document


class ReqonProtocol(LanguageServerProtocol):
    """The hardened protocol: see the module.

    A request about a document that is being read for the first time is held until that is done;
    other requests pass by it. `waits_for` tells by a document's URI what there is to wait for.
    """

    waits_for: Callable[[str], asyncio.Future[None] | None]
    _held: list[Any]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.waits_for = lambda _: None
        self._held = []
        self._writing: set[asyncio.Future[None]] = set()

    @property
    def shut_down(self) -> bool:
        """Whether the client has sent `shutdown`."""
        return self._shutdown

    def use_workspace(self, encoding: Encoding) -> None:
        """Put our own workspace in place of the stock one, with the same folders."""
        stock = self.workspace
        own = SyncedWorkspace(
            stock.root_uri,
            types.TextDocumentSyncKind.Incremental,
            list(stock.folders.values()),
            encoding,
        )
        own.encoding = encoding
        self._workspace = own

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Leave the message as it is: `handle_message` gives the outermost object its type."""
        return data

    def handle_message(self, message: Any) -> None:
        """Reply to what cannot be handled, hand on the rest."""
        if not isinstance(message, dict):
            self._reply_error(None, INVALID_REQUEST, "a message must be one object")
            return
        data = cast("dict[str, Any]", message)
        message_id = data.get("id")
        refusal = self._refusal(data)
        if refusal is not None:
            if message_id is not None and "method" in data:
                self._reply_error(message_id, *refusal)
            return
        try:
            structured: Any = super().structure_message(data)
        except JsonRpcException as error:
            self._unstructured(data, error)
            return
        if message_id is not None and "method" in data and not hasattr(structured, "id"):
            what = f"'{data['method']}' is a notification, which takes no 'id'"
            self._reply_error(message_id, INVALID_REQUEST, what)
            return
        if isinstance(structured, dict) or self._is_cancelled(structured):
            return
        if not self._hold(structured):
            super().handle_message(structured)

    def _hold(self, message: Any) -> bool:
        """Whether a request has to wait; it is handled when that is over."""
        document = getattr(getattr(message, "params", None), "text_document", None)
        if document is None or getattr(message, "id", None) is None:
            return False
        ready = self.waits_for(document.uri)
        if ready is None:
            return False
        self._held.append(message)
        ready.add_done_callback(lambda _: self._let_go(message))
        return True

    def _let_go(self, message: Any) -> None:
        if any(message is held for held in self._held):
            self._held = [held for held in self._held if held is not message]
            super().handle_message(message)

    def _cancel_held(self, message_id: MessageId | None, why: str) -> bool:
        """Answer what is held under an id, all of it where there is none; whether there was any."""
        cancelled = [held for held in self._held if message_id in (None, held.id)]
        self._held = [held for held in self._held if message_id not in (None, held.id)]
        for held in cancelled:
            self._reply_error(held.id, REQUEST_CANCELLED, why)
        return bool(cancelled)

    def _is_cancelled(self, message: Any) -> bool:
        """Whether this cancels a request that is held; that is answered here."""
        if getattr(message, "method", None) != types.CANCEL_REQUEST:
            return False
        return self._cancel_held(message.params.id, "the request was cancelled")

    def _check_handler_result(self, future: Any) -> None:
        """A notification is dealt with: forget it, which the library never does."""
        super()._check_handler_result(future)
        waiting = self._request_futures
        for message_id in [key for key, kept in waiting.items() if kept is future]:
            del waiting[message_id]

    def _send_handler_result(self, future: Any, *, msg_id: MessageId) -> None:
        """A refusal is an answer like others, and nothing for the log."""
        refusal = None if future.cancelled() else future.exception()
        if isinstance(refusal, JsonRpcException) and refusal.code == REQUEST_FAILED:
            self._request_futures.pop(msg_id, None)
            self._send_response(msg_id, error=refusal.to_response_error())
            return
        super()._send_handler_result(future, msg_id=msg_id)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Any:
        """Cancel what is under way, from a copy of the list: cancelling takes it off there."""
        for message_id, future in list(self._request_futures.items()):
            if message_id != self.msg_id and not future.done():
                future.cancel()
        self._cancel_held(None, "the server is shutting down")
        stock: Any = super()
        yield from stock.lsp_shutdown(*args)

    def _refusal(self, data: dict[str, Any]) -> tuple[int, str] | None:
        method = data.get("method")
        if method is not None and not isinstance(method, str):
            return INVALID_REQUEST, "'method' must be text"
        if self._workspace is None and method not in (None, types.INITIALIZE, types.EXIT):
            return SERVER_NOT_INITIALIZED, "the server is not initialized yet"
        if self._workspace is not None and method == types.INITIALIZE:
            return INVALID_REQUEST, "the server is initialized already"
        if self._shutdown and method not in (None, types.EXIT):
            return INVALID_REQUEST, "the server is shutting down"
        return None

    def _unstructured(self, data: dict[str, Any], error: JsonRpcException) -> None:
        logger.warning("cannot read a message of method %r", data.get("method"))
        message_id = data.get("id")
        if message_id is None:
            return
        if "method" in data:
            code = JsonRpcInvalidParams.CODE or JsonRpcInvalidRequest.CODE
            self._reply_error(message_id, code, f"invalid parameters: {error}")
        else:
            self._disappoint(message_id, error)

    def _disappoint(self, message_id: MessageId, error: JsonRpcException) -> None:
        """The client's reply cannot be read: whoever waits for it goes on without."""
        waiting = self._request_futures.pop(message_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)

    def _send_response(self, msg_id: MessageId, result: Any = None, error: Any = None) -> None:
        """Send a result that is JSON already as it is."""
        if error is not None or not isinstance(result, Prepared):
            super()._send_response(msg_id, result, error)
            return
        self._result_types.pop(msg_id, None)
        self._send_body(f'{{"jsonrpc":"2.0","id":{json.dumps(msg_id)},"result":{result.json}}}')

    def tell(self, method: str, params: Prepared) -> None:
        """Send a notification whose parameters are JSON already."""
        self._send_body(f'{{"jsonrpc":"2.0","method":{json.dumps(method)},"params":{params.json}}}')

    def _send_body(self, body: str) -> None:
        if self.writer is None:
            return
        head = f"Content-Length: {len(body)}\r\nContent-Type: {self.CONTENT_TYPE}; charset=utf-8"
        sent = self.writer.write(f"{head}\r\n\r\n{body}".encode("ascii"))
        if inspect.isawaitable(sent):
            writing = asyncio.ensure_future(sent)
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)

    def _reply_error(self, message_id: Any, code: int, text: str) -> None:
        self._send_data(
            {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": text}}
        )
