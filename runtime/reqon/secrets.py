"""Secrets: a type that prints as stars, and the registry that keeps them out of every text.

Whoever takes a credential into use adds it here; whoever writes a line for people, an event, a
record or a journal frame passes it through `redact` or `hide`. A hidden value keeps the name of
the secret in its place, and `reveal` puts the value back from the present surroundings, so that
a rotated token works after a resume. Nothing here reads the environment or a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast
from urllib.parse import quote, quote_plus

from reqon.errors import ConfigError
from reqon.secret_forms import LONG, loose_pattern, pattern_of

STARS = "****"
SECRET_TAG = "$secret"  # noqa: S105 - the key of a tag
_TAG = b'"$secret"'
_SIGN, _MOST_SIGNS = b"$", 16
"""Found, or not, thirty times as fast as the tag; of many in a text the tag is looked for."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASS|AUTH", re.IGNORECASE)
CUT = "…"
"""Stands where a text was cut; the beginning of a secret in front of it is hidden too."""
_SHORT = 4
"""Below this length a secret is found only where it is the whole text."""


def names_secret(name: str) -> bool:
    """Whether an environment variable of this name is taken to hold a secret."""
    return _SECRET_NAME.search(name) is not None


class Secret:
    """A credential: prints as stars, and gives its text only to `reveal()`."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._value

    def __str__(self) -> str:
        return STARS

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"

    def __format__(self, spec: str) -> str:
        return format(STARS, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into something that is written."""
        raise TypeError("a secret cannot be serialised")


def _has_tag(encoded: bytes) -> bool:
    at = encoded.find(_SIGN)
    for _ in range(_MOST_SIGNS):
        if at < 0 or encoded.startswith(_TAG, at - 1):
            return at > 0
        at = encoded.find(_SIGN, at + 1)
    return at > 0 and encoded.find(_TAG, at - 1) >= 0


class SecretRegistry:
    """All secrets that a run knows, and the texts in which they must not appear.

    Names are the variables or credential fields that the secrets come from (`API_TOKEN`,
    `API.token`). Adding a new value under a known name (a refreshed token) makes it the one that
    `reveal` gives; the older value stays hidden. `lookup` finds a secret by name that is revealed
    before it was added: in a resumed run, a variable that was read before the interruption.
    """

    def __init__(self, lookup: Callable[[str], str | None] | None = None) -> None:
        self._lookup = lookup
        self._values: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._within: re.Pattern[str] | None = None
        self._shown: re.Pattern[str] | None = None
        self._needles: tuple[bytes, ...] = ()

    def add(self, name: str, value: str | Secret | None) -> None:
        """Keep `value` out of all texts from now on, under `name`; empty and None are nothing."""
        text = value.reveal() if isinstance(value, Secret) else value
        if not text or self._values.get(name) == text:
            return
        self._values[name] = text
        self._names.setdefault(text, name)
        self._tags = _tags(self._names)
        self._within = self._shown = None  # made when they are used: long ones take a while
        self._needles = tuple(_json_text(form).encode(*_ANY_TEXT) for form in self._tags)

    def add_environment(self, name: str, value: str | None) -> None:
        """Add what `env(name)` gave, where the name says that it is a secret."""
        if names_secret(name):
            self.add(name, value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def redact(self, text: str) -> str:
        """The text with each secret, however it is written, as stars: for people and events."""
        if text in self._tags:
            return STARS
        if self._shown is None:
            self._shown = loose_pattern(name for name in self._names if len(name) >= _SHORT)
        if self._shown is None:
            return text
        text = self._shown.sub(STARS, text)
        return self._without_beginnings(text) if CUT in text else text

    def _without_beginnings(self, text: str) -> str:
        """The text without the first part of a secret where it was cut."""
        *parts, last = text.split(CUT)
        return CUT.join([*map(self._without_beginning, parts), last])

    def _without_beginning(self, text: str) -> str:
        for form in self._tags:
            at = text.rfind(form[:LONG]) if len(form) > LONG else -1
            if at >= 0 and form.startswith(text[at:]):
                return text[:at] + STARS
        return text

    def redact_value(self, value: Any) -> Any:
        """A JSON value with each secret in its texts and keys as stars."""
        if not self._values:
            return value
        return _map_texts(value, self.redact)

    def concerns(self, encoded: bytes) -> bool:
        """Whether `hide` would change the value behind these JSON bytes: a quick test.

        Frames are encoded once; only those that this finds are hidden and encoded again.
        """
        if _has_tag(encoded):
            return True
        return any(needle in encoded for needle in self._needles)

    def hide(self, value: Any) -> Any:
        """A JSON value in which names stand for secrets; `reveal` is the inverse.

        A text that is a secret becomes `{"$secret": "API_TOKEN"}`, one that contains some
        `{"$secret": ["Bearer ", "API_TOKEN", ""]}` (text and names in turn); `API_TOKEN|form`
        where it is written as in a form, and so on. An object whose only key is `$secret`, or
        which has a secret among its keys, is written `{"$secret": {"pairs": [[key, value], …]}}`.
        """
        if isinstance(value, str):
            return self._hide_text(value)
        if isinstance(value, list | tuple):
            return [self.hide(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            return self._hide_object(value)  # pyright: ignore[reportUnknownArgumentType]
        return value

    def reveal(self, value: Any) -> Any:
        """The value before `hide`, with the secrets as they are now.

        Raises ConfigError where a secret of that name is not known in this process.
        """
        if isinstance(value, list):
            return [self.reveal(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and SECRET_TAG in value:  # pyright: ignore[reportUnknownArgumentType]
            return self._reveal_tag(value[SECRET_TAG])
        return {key: self.reveal(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]

    def _hide_text(self, text: str) -> Any:
        if text in self._tags:
            return {SECRET_TAG: self._tags[text]}
        parts = self._split(text)
        return text if len(parts) == 1 else {SECRET_TAG: parts}

    def _hide_object(self, value: dict[str, Any]) -> dict[str, Any]:
        tagged = len(value) == 1 and SECRET_TAG in value
        if tagged or any(self._hide_text(key) is not key for key in value):
            return {SECRET_TAG: {"pairs": [[self.hide(k), self.hide(v)] for k, v in value.items()]}}
        return {key: self.hide(item) for key, item in value.items()}

    def _split(self, text: str) -> list[str]:
        """`text, name, text, name, …, text`."""
        if self._within is None:
            self._within = pattern_of(form for form in self._tags if len(form) >= _SHORT)
        parts: list[str] = []
        end = 0
        for match in self._within.finditer(text) if self._within is not None else ():
            parts += [text[end : match.start()], self._tags[match.group()]]
            end = match.end()
        return [*parts, text[end:]]

    def _reveal_tag(self, payload: Any) -> Any:
        match payload:
            case str():
                return self._value_of(payload)
            case list():
                return self._reveal_parts(cast("list[str]", payload))
            case _:
                pairs: list[tuple[Any, Any]] = payload["pairs"]
                return {self.reveal(key): self.reveal(item) for key, item in pairs}

    def _reveal_parts(self, parts: list[str]) -> str:
        return "".join(self._value_of(p) if index % 2 else p for index, p in enumerate(parts))

    def _value_of(self, tag: str) -> str:
        name, _, encoding = tag.rpartition("|")
        if not name or encoding not in _ENCODINGS:
            return self._plain_value(tag)
        return _ENCODINGS[encoding](self._plain_value(name))

    def _plain_value(self, name: str) -> str:
        if name not in self._values and self._lookup is not None:
            self.add(name, self._lookup(name))
        value = self._values.get(name)
        if value is None:
            raise ConfigError(
                f"the saved state needs the secret '{name}', which is not set",
                hint=f"set '{name}' as it was in the interrupted run, then resume again",
            )
        return value


def _tags(names: Mapping[str, str]) -> dict[str, str]:
    """The secrets of these names as they may appear in a text, and what stands for each there."""
    tags = dict(names)
    for text, name in names.items():
        for encoding, encoded in _ENCODINGS.items():
            tags.setdefault(encoded(text), f"{name}|{encoding}")
    return tags


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


_ANY_TEXT = ("utf-8", "surrogatepass")
"""Variables may hold bytes that are no UTF-8, which Python reads as lone surrogates."""


def _ascii_text(text: str) -> str:
    return json.dumps(text)[1:-1]


_ENCODINGS: dict[str, Callable[[str], str]] = {
    "json": _json_text,
    "ascii": _ascii_text,
    "json-json": lambda text: _json_text(_json_text(text)),
    "json-ascii": lambda text: _ascii_text(_json_text(text)),
    "ascii-json": lambda text: _json_text(_ascii_text(text)),
    "url": lambda text: quote(text, "", *_ANY_TEXT),
    "path": lambda text: quote(text, "/", *_ANY_TEXT),
    "form": lambda text: quote_plus(text, "", *_ANY_TEXT),
}
"""How a secret is written in a body, in one that is a text in another, a URL, a path, a form."""


def _map_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_map_texts(item, change) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {_map_texts(key, change): _map_texts(item, change) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
