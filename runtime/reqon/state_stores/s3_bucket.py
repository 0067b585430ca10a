"""A bucket of S3 as the state store `s3` needs it: objects that are written under a condition.

Blocks; used from several threads at once. What fails in passing is tried again for some seconds.
Times are those of the server.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import boto3.session  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - what botocore calls it
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from reqon.errors import ConfigError
from reqon.state_stores.bundled import URL_VARIABLE

_FIRST_PATIENCE_SECONDS = 2.0
_PATIENCE_SECONDS = 8.0
"""So long a service that has answered before may be away."""

_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_MOST_PAUSE_SECONDS = 2.0
_MOST_DELETED_AT_ONCE = 1000
THREADS: Final = 8

_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
_PASSING = (
    "SlowDown",
    "RequestTimeout",
    "InternalError",
    "ServiceUnavailable",
    "ThrottlingException",
)
_REFUSED_USER = (
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "403",
)
_LOST = (ConnectionError, HTTPClientError, IncompleteReadError)
_NO_ETAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is; `endpoint` None is Amazon, `region` None what the environment says."""

    bucket: str
    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None

    def __str__(self) -> str:
        return f"S3 bucket '{self.bucket}'" + (f" at {self.endpoint}" if self.endpoint else "")


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its bytes (none of a `look`), what was noted with it, its version, and times."""

    body: bytes
    facts: Mapping[str, str]
    tag: str
    changed_at: datetime
    now: datetime


class Bucket:
    """The objects of a bucket; connects when it is first used.

    What is wrong is a ConfigError until something was written, an OSError later.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._made: list[Any] = []
        self._was_reached = self._was_written = False
        self._is_away = False
        self.now = datetime.fromtimestamp(0, UTC)
        weakref.finalize(self, _close, self._made)

    def get(self, key: str) -> Found | None:
        """The object, or None."""
        return self._found("get_object", key)

    def look(self, key: str) -> Found | None:
        """The object without its bytes, or None."""
        return self._found("head_object", key)

    def put(self, key: str, body: bytes, facts: Mapping[str, str], *, over: Found | None) -> bool:
        """Write an object in the place of `over`, or where there is none.

        False where another one is there. Also where an earlier try was done and its answer lost.
        """
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over.tag}
        return self._put(key, body, facts, condition)

    def note(self, key: str) -> None:
        """Write an empty object, whatever is there."""
        self._put(key, b"", {}, {})

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there are fine."""
        wanted = list(keys)
        for at in range(0, len(wanted), _MOST_DELETED_AT_ONCE):
            objects = [{"Key": key} for key in wanted[at : at + _MOST_DELETED_AT_ONCE]]
            given = {"Objects": objects, "Quiet": True}
            failed = self._call("delete_objects", Delete=given).get("Errors", ())
            for error in failed:
                raise self._failure("refuses", f"{error.get('Code')}: {error.get('Message')}")

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin so, sorted."""
        found: list[str] = []
        given = {"Prefix": prefix}
        while True:
            answer = self._call("list_objects_v2", **given)
            found += [entry["Key"] for entry in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                return found
            given["ContinuationToken"] = answer["NextContinuationToken"]

    def check_conditions(self, key: str, body: bytes, facts: Mapping[str, str]) -> None:
        """ConfigError where conditions are not kept; `key` is an object as it was just written."""
        for condition in ({"IfNoneMatch": "*"}, {"IfMatch": _NO_ETAG}):
            if self._put(key, body, facts, condition):
                raise ConfigError(
                    f"{self._place} writes objects whatever the condition (If-None-Match, "
                    "If-Match): two runs could overwrite each other there",
                    hint="use a service that keeps conditions, in a version that does",
                )

    def _found(self, method: str, key: str) -> Found | None:
        try:
            answer = self._call(method, Key=key)
        except _NotThereError:
            return None
        return Found(
            answer.get("Body", b""),
            answer["Metadata"],
            answer["ETag"],
            answer["LastModified"],
            _date(answer) or self.now,
        )

    def _put(
        self, key: str, body: bytes, facts: Mapping[str, str], condition: Mapping[str, str]
    ) -> bool:
        try:
            self._call("put_object", Key=key, Body=body, Metadata=dict(facts), **condition)
        except (_ChangedError, _NotThereError):
            return False
        self._was_written = True
        return True

    def _call(self, method: str, **given: Any) -> Mapping[str, Any]:
        """Ask, for some seconds again where the service is away or busy.

        One that has stayed away is asked once.
        """
        patience = _PATIENCE_SECONDS if self._was_reached else _FIRST_PATIENCE_SECONDS
        end = time.monotonic() + (0.0 if self._is_away else patience)
        pause = _PAUSE_SECONDS
        while True:
            try:
                answer = self._answer(method, given)
            except (*_LOST, _PassingError) as error:
                if time.monotonic() + pause > end:
                    self._is_away = True
                    raise self._unreachable(error) from error
            else:
                self._was_reached, self._is_away = True, False
                self.now = _date(answer) or self.now
                return answer
            time.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE_SECONDS)

    def _answer(self, method: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises what is passing, what a condition says, and all else as what a user can read."""
        try:
            client = self._client()
            answer = getattr(client, method)(Bucket=self._place.bucket, **given)
            if "Body" in answer:
                with answer["Body"] as stream:
                    answer["Body"] = stream.read()
        except ClientError as error:
            raise self._told(error) from error
        except _LOST:
            raise
        except NoCredentialsError as error:
            raise self._failure("cannot be used", "there are no credentials") from error
        except (BotoCoreError, ValueError) as error:
            raise self._failure("cannot be used", error) from error
        return answer

    def _told(self, error: ClientError) -> Exception:
        answer = cast("Mapping[str, Any]", error.response)
        code, status = str(answer.get("Error", {}).get("Code")), _status(answer)
        message = answer.get("Error", {}).get("Message") or code
        if code in ("NoSuchBucket", "InvalidBucketName"):
            return self._failure("cannot be used", "there is no such bucket")
        if code in ("NoSuchKey", "404") or status in (409, 412):
            self._was_reached, self._is_away = True, False
            self.now = _date(answer) or self.now
            return _ChangedError() if status in (409, 412) else _NotThereError()
        if code in _PASSING or (status >= 500 and status != 501):
            return _PassingError(f"{code}: {message}")
        if code in _REFUSED_USER:
            return self._failure("refuses these credentials", f"{code}: {message}")
        return self._failure("refuses", f"{code}: {message}")

    def _unreachable(self, error: Exception) -> Exception:
        if isinstance(error, _PassingError):
            return self._failure("is busy", error)
        if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
            return self._failure("does not answer")
        return self._failure("cannot be reached", type(error).__name__)

    def _failure(self, what: str, reason: object = "") -> Exception:
        """Before anything was written, the settings are wrong."""
        message = f"{self._place} {what}" + (f": {reason}" if reason else "")
        if self._was_written:
            return OSError(message)
        return ConfigError(
            message,
            hint=f"{URL_VARIABLE} says where it is; credentials are those of the AWS tools, such "
            "as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )

    def _client(self) -> Any:
        with self._lock:
            if not self._made:
                self._made.append(_client(self._place))
            return self._made[0]


class _NotThereError(Exception):
    """There is no such object."""


class _ChangedError(Exception):
    """A condition does not hold."""


class _PassingError(Exception):
    """The service is busy or broken for a moment."""


def _client(place: Place) -> Any:
    path_style = place.endpoint is not None if place.path_style is None else place.path_style
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=2 * THREADS,
        tcp_keepalive=True,
        s3={"addressing_style": "path" if path_style else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = cast("Any", boto3.session.Session(region_name=place.region))
    return session.client("s3", endpoint_url=place.endpoint, config=config)


def _date(answer: Mapping[str, Any]) -> datetime | None:
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return None if text is None else parsedate_to_datetime(text)


def _status(answer: Mapping[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _close(clients: Sequence[Any]) -> None:
    for client in clients:
        client.close()
