"""Bytes of a reply into a value: JSON, or text where the service says that it is none.

JSON is read strictly: NaN, cut bodies and wrong UTF-8 are refused with the place, whole numbers
keep all their digits, and of a key that occurs twice the last value counts. Nesting is limited,
so that nothing behind this module can run out of stack. No I/O; what comes out goes to
`client.py`, which makes a reply or a failure of it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from reqon.http.messages import FailureKind

MAX_DEPTH = 200
"""Levels of arrays and objects in a JSON body; real ones stay below 30."""

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.",
    re.DOTALL,
)
_BYTE = re.compile(r" \(byte (\d+)\)$")
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF8 = (None, "utf-8", "utf8", "us-ascii", "ascii")
_OPENING = (b"{", b"[")
_NOT_PLAIN = (b"\\", b"\n", b"\r")
_EXCERPT = 40
_STRAY_BRACKETS = 40
"""Unpaired brackets in strings that are tolerated before strings are taken out."""


class UnreadableBodyError(ValueError):
    """A body that is not what its content type says; `reason` says what and where.

    `bare` is the reason without what stands in the body.
    """

    def __init__(self, kind: FailureKind, error: str, bare: str, shown: str = "") -> None:
        self.kind: FailureKind = kind
        self.error = error
        self.bare = bare
        self.reason = f"{bare}: {shown}" if shown else bare
        super().__init__(self.reason)


def decode_body(raw: bytes, content_type: str | None) -> Any:
    """The value of a body: JSON, or text; an empty record where nothing was sent.

    Without a content type it is JSON where it can be read so. Raises UnreadableBodyError.
    """
    if not raw or not raw.strip():
        return {}
    media_type, charset = _parsed(content_type)
    if is_json_type(media_type):
        return decode_json(_to_utf8(raw, charset))
    if media_type:
        return _decode_text(raw, charset)
    try:
        return decode_json(_to_utf8(raw, charset))
    except UnreadableBodyError:
        return _decode_text(raw, charset)


def plain_json(raw: bytes, content_type: str | None) -> bytes | None:
    """The JSON of a body that was decoded, as it came: None where it had better be written anew.

    It is one line of UTF-8 without escapes, so that every text stands in it as the text is: what
    is searched for in the value can be searched for here.
    """
    if raw[:1] not in _OPENING or any(byte in raw for byte in _NOT_PLAIN):
        return None
    media_type, charset = _parsed(content_type)
    return raw if is_json_type(media_type) and charset in _UTF8 else None


def is_json_type(media_type: str) -> bool:
    """Whether a media type (lower case, without parameters) promises JSON."""
    return media_type.endswith(("/json", "+json", "/x-json"))


def decode_json(raw: bytes) -> Any:
    """The value of JSON in UTF-8. Raises UnreadableBodyError `invalid_json`."""
    if not _is_shallow(raw):
        raise _invalid(f"it is nested more than {MAX_DEPTH} levels deep")
    try:
        return _decode_repaired(raw)
    except UnicodeDecodeError:
        raise _invalid(*_wrong_utf8(raw)) from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise _invalid(*_explain(raw, str(error))) from None


def excerpt(text: str, limit: int = 200) -> str:
    """The first `limit` characters on one line, for messages; control characters are left out."""
    flat = " ".join(text[: limit * 4].split())
    flat = "".join(character for character in flat if character.isprintable())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _decode_repaired(raw: bytes) -> Any:
    """Decode; half surrogate pairs, which JSON allows and UTF-8 cannot hold, become U+FFFD."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        if b"\\u" not in raw:
            raise
        repaired = _ESCAPE.sub(_whole_escape, raw)
        if repaired == raw:
            raise
        return msgspec.json.decode(repaired)


def _whole_escape(match: re.Match[bytes]) -> bytes:
    half = match[1] is None and match[0][:3].lower() == rb"\ud"
    return rb"\ufffd" if half else match[0]


def _is_shallow(raw: bytes) -> bool:
    """Whether no place is deeper than the limit, without decoding.

    Only brackets are left, and pairs are taken away from the inside, one level a round: at
    memory speed. Brackets inside strings can leave a rest; then the strings are taken out first.
    """
    brackets = raw.translate(_ONE_KIND, _NOT_BRACKETS)
    if len(brackets) <= MAX_DEPTH or _levels_left(brackets) <= _STRAY_BRACKETS:
        return True
    unquoted = _STRING.sub(b"", raw).translate(_ONE_KIND, _NOT_BRACKETS)
    return _levels_left(unquoted) <= _STRAY_BRACKETS


def _levels_left(brackets: bytes) -> int:
    """How many brackets stand after as many rounds as there may be levels.

    A round takes the innermost pairs away, and there are never more of those in a later one: so
    it is known early where the rounds cannot suffice.
    """
    for rounds_left in reversed(range(MAX_DEPTH)):
        fewer = brackets.replace(b"[]", b"")
        taken, brackets = len(brackets) - len(fewer), fewer
        if taken == 0 or len(brackets) > taken * rounds_left + _STRAY_BRACKETS:
            break
    return len(brackets)


def _parsed(content_type: str | None) -> tuple[str, str | None]:
    media_type, *parameters = (content_type or "").split(";")
    charset = None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
    return media_type.strip().lower(), charset or None


def _to_utf8(raw: bytes, charset: str | None) -> bytes:
    """The body in UTF-8 without a byte-order mark, by its mark or its declared charset."""
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            rest = raw[len(mark) :]
            return rest if encoding == "utf-8" else rest.decode(encoding, "replace").encode()
    if charset in _UTF8:
        return raw
    try:
        return raw.decode(charset).encode()
    except (LookupError, UnicodeError):
        return raw


def _decode_text(raw: bytes, charset: str | None) -> str:
    utf8 = _to_utf8(raw, charset)
    try:
        return utf8.decode()
    except UnicodeDecodeError:
        raise UnreadableBodyError("http", "invalid_text", *_wrong_utf8(utf8)) from None


def _invalid(reason: str, shown: str = "") -> UnreadableBodyError:
    return UnreadableBodyError("invalid_json", "invalid_json", reason, shown)


def _explain(raw: bytes, message: str) -> tuple[str, str]:
    """Where and how a body breaks the rules of JSON, with what stands there."""
    start = raw.lstrip()[:1]
    if start == b"<":
        return "it looks like HTML or XML", excerpt(_lenient(raw[:800]))
    place = _BYTE.search(message)
    if place:
        reason = message[: place.start()].removeprefix("JSON is malformed: ")
        at = int(place[1]) - (reason == "trailing characters")
        return f"{reason} at byte {at}", _around(raw, at)
    if message == "Input data was truncated":
        return f"it ends too early, after {len(raw):,} bytes", _around(raw, len(raw))
    return f"{message[:1].lower()}{message[1:]}", excerpt(_lenient(raw[:800]))


def _wrong_utf8(raw: bytes) -> tuple[str, str]:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        place = f"at byte {error.start} (0x{byte:02x})"
        return f"it is no UTF-8, {place}", _around(raw, error.start)
    return "it is no UTF-8", ""


def _around(raw: bytes, at: int) -> str:
    before, after = _lenient(raw[max(0, at - _EXCERPT) : at]), _lenient(raw[at : at + _EXCERPT])
    return excerpt(f"{before}▸{after}")


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
