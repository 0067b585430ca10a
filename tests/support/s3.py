"""A server that speaks S3 as far as a state store needs it, on a free port of this machine.

    with S3Server() as server:
        server.url, server.env, server.stop(), server.start(), server.latency_seconds = 0.03

It keeps the conditions of writes, each in one step with its write, lists in pages, and forgets
nothing when it is stopped. (Moto checks `If-Match` and writes in two steps: of several writers who
race, more than one wins.)
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

KEY, SECRET, BUCKET = "AKIATESTTESTTEST", "let-me-in-4711", "our-state"
PAGE = 20
"""Keys on a page of a list: fewer than the 1,000 of Amazon, so that there are pages."""

_QUIET_SECONDS = 0.5
_REASONS = {
    "InvalidAccessKeyId": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "PreconditionFailed": 412,
    "SlowDown": 503,
}


@dataclass(frozen=True, slots=True)
class Thing:
    """An object."""

    body: bytes
    headers: dict[str, str]
    changed_at: float

    @property
    def tag(self) -> str:
        return f'"{hashlib.md5(self.body).hexdigest()}"'


class S3Server:
    """A server with one bucket; `things` are its objects, `asked` counts requests by method."""

    def __init__(self, *, keeps_conditions: bool = True) -> None:
        self.things: dict[str, Thing] = {}
        self.asked: Counter[str] = Counter()
        self.asked_at = 0.0
        self.latency_seconds = 0.0
        self.loses = 0
        """So many next writes are done, and their answers lost."""
        self.busy = 0
        """So many next requests are put off."""
        self.keeps_conditions = keeps_conditions
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.at("runs")

    def at(self, prefix: str, bucket: str = BUCKET) -> str:
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}&region=eu-central-1"

    @property
    def env(self) -> dict[str, str]:
        """Credentials, and no look at those of a machine at Amazon."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def is_quiet(self) -> bool:
        """Whether nobody has asked for half a second."""
        return time.monotonic() - self.asked_at > _QUIET_SECONDS

    def start(self) -> None:
        """Listen; on the same port as before."""
        handler = type("Handler", (_Handler,), {"s3": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Cut all connections, and take no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Clients that went away."""


class _RefusedError(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    s3: ClassVar[S3Server]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.s3.connections.add(self.connection)

    def finish(self) -> None:
        self.s3.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def handle_expect_100(self) -> bool:
        done = super().handle_expect_100()
        self.wfile.flush()
        return done

    def do_GET(self) -> None:
        self._do(self._list if "list-type" in self._query else self._get)

    def do_HEAD(self) -> None:
        self._do(self._get)

    def do_PUT(self) -> None:
        self._do(self._put)

    def do_POST(self) -> None:
        self._do(self._delete)

    @property
    def _query(self) -> dict[str, str]:
        query = urlsplit(self.path).query
        return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}

    def _do(self, answer) -> None:
        s3 = self.s3
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(s3.latency_seconds)
        bucket, _, self.key = unquote(urlsplit(self.path).path)[1:].partition("/")
        with s3.lock:
            s3.asked[self.command] += 1
            s3.asked_at = time.monotonic()
            loses = s3.loses > 0 and self.command == "PUT"
            s3.loses -= loses
            try:
                self._check(bucket)
                status, headers, content = 200, *answer(body)
            except _RefusedError as refused:
                status, headers = _REASONS[str(refused)], {}
                content = f"<Error><Code>{refused}</Code><Message>No.</Message></Error>".encode()
        if loses:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _check(self, bucket: str) -> None:
        if KEY not in self.headers.get("Authorization", ""):
            raise _RefusedError("InvalidAccessKeyId")
        if bucket != BUCKET:
            raise _RefusedError("NoSuchBucket")
        if self.s3.busy > 0:
            self.s3.busy -= 1
            raise _RefusedError("SlowDown")

    def _get(self, _: bytes) -> tuple[dict[str, str], bytes]:
        thing = self.s3.things.get(self.key)
        if thing is None:
            raise _RefusedError("NoSuchKey")
        changed = formatdate(thing.changed_at, usegmt=True)
        return {**thing.headers, "ETag": thing.tag, "Last-Modified": changed}, thing.body

    def _put(self, body: bytes) -> tuple[dict[str, str], bytes]:
        known = self.s3.things.get(self.key)
        if self.s3.keeps_conditions:
            if self.headers.get("If-None-Match") == "*" and known is not None:
                raise _RefusedError("PreconditionFailed")
            wanted = self.headers.get("If-Match")
            if wanted is not None and known is None:
                raise _RefusedError("NoSuchKey")
            if wanted is not None and known is not None and known.tag != wanted:
                raise _RefusedError("PreconditionFailed")
        headers = {n: v for n, v in self.headers.items() if n.lower().startswith("x-amz-meta-")}
        thing = self.s3.things[self.key] = Thing(body, headers, time.time())
        return {"ETag": thing.tag}, b""

    def _list(self, _: bytes) -> tuple[dict[str, str], bytes]:
        query = self._query
        keys = sorted(key for key in self.s3.things if key.startswith(query["prefix"]))
        keys = [key for key in keys if key > query.get("continuation-token", "")]
        page, more = keys[:PAGE], len(keys) > PAGE
        entries = "".join(f"<Contents><Key>{_encoded(key)}</Key></Contents>" for key in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        text = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"<EncodingType>url</EncodingType>{entries}</ListBucketResult>"
        )
        return {"Content-Type": "application/xml"}, text.encode()

    def _delete(self, body: bytes) -> tuple[dict[str, str], bytes]:
        for element in ET.fromstring(body).iter():
            if re.fullmatch(r"(\{.*\})?Key", element.tag):
                self.s3.things.pop(element.text or "", None)
        return {"Content-Type": "application/xml"}, b"<DeleteResult/>"


def _encoded(key: str) -> str:
    return escape(key.replace("%", "%25"))
