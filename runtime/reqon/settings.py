"""What a run takes from its surroundings: environment, `.env` file and credentials file.

`load_settings` reads both files once; everything else works on the values. Secrets that are
found are told to the registry at once, so that they are stars in every text from then on. The
program never reads any other file, and nothing here is written anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from reqon.dotenv import parse_dotenv
from reqon.errors import ConfigError
from reqon.secrets import Secret, SecretRegistry
from vague.vocabulary.kinds import AUTH_KINDS

DOTENV_NAME = ".env"
ANY_SOURCE = "*"

SECRET_FIELDS = frozenset(
    {"token", "password", "apiKey", "clientSecret", "accessToken", "refreshToken"}
)
PLAIN_FIELDS = frozenset(
    {
        "type",
        "username",
        "apiKeyHeader",
        "apiKeyQuery",
        "apiKeyPrefix",
        "tokenUrl",
        "clientId",
        "scopes",
        "expiresAt",
    }
)

_OPTION_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}", re.ASCII)
_FILE_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who a source's requests come from, given outside the program.

    `kind` is the type's word (`bearer`, …), or None where only fields are known. `fields` hold
    texts, and a `Secret` for each field that is one. `origin` says where it was found.
    """

    kind: str | None
    fields: Mapping[str, Any]
    origin: str


@dataclass(frozen=True)
class CredentialsFile:
    """The file of `--auth` as it was read: entries by source name, variables not yet filled in."""

    path: str
    text: str = field(repr=False)
    entries: Mapping[str, Mapping[str, Any]] = field(repr=False)


class Settings:
    """The surroundings of a run. `environ` holds the `.env` file's variables too."""

    __slots__ = ("environ", "file", "secrets")

    def __init__(
        self, environ: Mapping[str, str] | None = None, file: CredentialsFile | None = None
    ) -> None:
        self.environ: Mapping[str, str] = dict(environ or {})
        self.file = file
        self.secrets = SecretRegistry(self.environ.get)

    def env(self, name: str) -> str | None:
        """A variable of the environment, or None; one that names a secret is kept out of texts."""
        value = self.environ.get(name)
        self.secrets.add_environment(name, value)
        return value

    def credential(self, source: str) -> Credential | None:
        """The credentials for a source, or None.

        The source's own entry in the file counts before the variables `REQON_<SOURCE>_…`, and
        these before the file's entry `*`. Raises ConfigError where an entry names a variable
        that is not set.
        """
        entry = self._entry(source)
        if entry is None:
            entry = self._from_environment(source) or self._entry(ANY_SOURCE, source)
        return entry

    def interpolate(self, text: str, place: str) -> str:
        """An option's text with `${VAR}`, `${VAR:-default}` and `$$` replaced.

        `place` says in messages whose option it is, such as `base of source 'API'`. Raises
        ConfigError where a variable without default is not set.
        """

        def missing(name: str) -> ConfigError:
            return ConfigError(
                f"the variable '{name}' in {place} is not set",
                hint=f"set {name}, or write ${{{name}:-default}}",
            )

        return _interpolated(_OPTION_VARIABLE, text, self.env, missing)

    def _entry(self, name: str, source: str | None = None) -> Credential | None:
        file = self.file
        entry = None if file is None else file.entries.get(name)
        if file is None or entry is None:
            return None
        owner = source or name
        fields = {key: self._filled(file, name, key, value) for key, value in entry.items()}
        kind = fields.pop("type", None)
        return Credential(kind, self._protected(owner, fields), f"{file.path}, entry '{name}'")

    def _filled(self, file: CredentialsFile, entry: str, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value

        def missing(name: str) -> ConfigError:
            line = _line_of(file.text, name)
            return ConfigError(
                f"{file.path}:{line}: the variable '{name}' in '{entry}.{key}' is not set",
                hint=f"set {name}, or write ${{{name}:-default}}; a plain $ is written $$",
            )

        return _interpolated(_FILE_VARIABLE, value, self.env, missing)

    def _from_environment(self, source: str) -> Credential | None:
        prefix = f"REQON_{source.upper()}"
        token = self.environ.get(f"{prefix}_TOKEN")
        api_key = self.environ.get(f"{prefix}_API_KEY")
        given = {"token": token, "apiKey": api_key}
        fields = {name: value for name, value in given.items() if value}
        kind = self.environ.get(f"{prefix}_TYPE") or None
        if not fields and kind is None:
            return None
        if kind is None:
            kind = "bearer" if "token" in fields else "api_key"
        return Credential(kind, self._protected(source, fields), f"{prefix}_…")

    def _protected(self, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with their secrets as `Secret`, known to the registry."""
        return {name: self._protect(source, name, value) for name, value in fields.items()}

    def _protect(self, source: str, name: str, value: Any) -> Any:
        if name in PLAIN_FIELDS or not isinstance(value, str):
            return value
        secret = Secret(f"{source}.{name}", value)
        self.secrets.add(secret.name, secret)
        return secret


def load_settings(
    environ: Mapping[str, str],
    *,
    folder: Path,
    env_file: Path | None = None,
    auth_file: Path | None = None,
) -> Settings:
    """The settings of a run.

    `env_file` is the file of `--env`, which must exist; without it `.env` in `folder` is read
    where there is one. The real environment wins over both. `auth_file` is that of `--auth`.
    Raises ConfigError, naming file and line, where a file cannot be read or understood.
    """
    dotenv = env_file if env_file is not None else folder / DOTENV_NAME
    variables: Mapping[str, str] = {}
    if env_file is not None or dotenv.is_file():
        variables = parse_dotenv(_read(dotenv, "environment file"), str(dotenv))
    file = None if auth_file is None else _credentials_file(auth_file)
    return Settings({**variables, **environ}, file)


def with_credential(
    written: Mapping[str, Any], kind: str | None, given: Credential | None
) -> tuple[str, dict[str, Any]]:
    """The kind of auth and its fields: what the program says, with what is given outside over it.

    `written` and `kind` are the source's own options. Without any kind it is `none`.
    """
    if given is None:
        return kind or "none", dict(written)
    return kind or given.kind or "none", {**written, **given.fields}


def _credentials_file(path: Path) -> CredentialsFile:
    text = _read(path, "credentials file")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}:{error.lineno}:{error.colno}: the credentials file is no JSON: {error.msg}",
            hint='it looks like { "API": { "type": "bearer", "token": "$API_TOKEN" } }',
        ) from error
    return CredentialsFile(str(path), text, _entries(document, path, text))


def _entries(document: Any, path: Path, text: str) -> dict[str, Mapping[str, Any]]:
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path}:1: the credentials file must hold an object with an entry for each source",
            hint='it looks like { "API": { "type": "bearer", "token": "$API_TOKEN" } }',
        )
    entries = cast("dict[str, Any]", document)
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise ConfigError(
                f"{path}:{_line_of(text, name)}: the entry '{name}' must be an object",
                hint='such as { "type": "bearer", "token": "$API_TOKEN" }',
            )
        _check_fields(cast("dict[str, Any]", entry), name, path, text)
    return entries


def _check_fields(entry: Mapping[str, Any], name: str, path: Path, text: str) -> None:
    """Refuse misspelt fields, where the type is one of ours: others have their own fields."""
    if entry.get("type") in AUTH_KINDS or "type" not in entry:
        for key in entry:
            _check_field(key, name, path, text)


def _check_field(key: str, entry: str, path: Path, text: str) -> None:
    known = SECRET_FIELDS | PLAIN_FIELDS
    if key in known:
        return
    near = next((name for name in known if _plain(name) == _plain(key)), None)
    raise ConfigError(
        f"{path}:{_line_of(text, key)}: '{entry}' has an unknown field '{key}'",
        hint=f"did you mean '{near}'?" if near else f"known are {', '.join(sorted(known))}",
    )


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _interpolated(
    pattern: re.Pattern[str],
    text: str,
    env: Callable[[str], str | None],
    missing: Callable[[str], ConfigError],
) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = next(group for group in (match[1], *match.groups()[2:]) if group)
        value = env(name)
        if value or (value is not None and match[2] is None):
            return value
        if match[2] is None:
            raise missing(name)
        return match[2]

    return pattern.sub(replacement, text)


def _line_of(text: str, word: str) -> int:
    """The first line in which a word stands; 1 where it stands in none."""
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if word in line), 1)


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"the {what} '{path}' does not exist") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the {what} '{path}' is no UTF-8 text (byte {error.start})",
            hint="save it as UTF-8",
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"the {what} '{path}' cannot be read: {reason}") from error
