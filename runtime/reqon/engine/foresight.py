"""What a dry run says in the place of what it does not do.

Texts for events: the requests that would be sent, the steps that depend on what would come back.
Nothing here is sent or written. Values of parameters and fields that are named like secrets are
shown as stars, as known secrets are.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from reqon.errors import RunError, StoppedError, StorageError
from reqon.http.encode import full_url
from reqon.http.messages import HttpRequest
from reqon.secrets import STARS, SecretRegistry, names_secret
from reqon.values.json_form import json_form

if TYPE_CHECKING:
    from reqon.steps.base import Sending

_BODY_LENGTH = 200


def request_text(sending: Sending, secrets: SecretRegistry) -> str:
    """`would send POST https://api.test/orders?dry=1 {"id": "o1"}`."""
    text = f"would send {sending.request.method} {_url(sending.request)}"
    if sending.body is not None:
        body = json.dumps(_starred(json_form(sending.body)), ensure_ascii=False, default=str)
        body = secrets.redact(body)  # before it is cut, so that no half secret is left
        text += f" {body if len(body) <= _BODY_LENGTH else body[: _BODY_LENGTH - 1] + '…'}"
    return secrets.redact(text)


def depends_on_replies(error: RunError) -> bool:
    """Whether an error may come from replies that are missing; an `abort` too, as a guard's end."""
    return not isinstance(error, StoppedError | StorageError)


def dependent_text(step: str, error: RunError) -> str:
    """Why a step is passed over."""
    return f"cannot foresee '{step}', which depends on what is fetched: {error.message}"


def _url(request: HttpRequest) -> str:
    params = tuple((n, STARS if names_secret(n) else value) for n, value in request.params)
    url = full_url(replace(request, params=()))
    host = url.partition("//")[2].partition("/")[0]
    if "@" in host:
        url = url.replace(f"{host.rpartition('@')[0]}@", "", 1)
    shown = "&".join(f"{name}={value}" for name, value in params)
    return url if not shown else f"{url}{'&' if '?' in url else '?'}{shown}"


def _starred(value: Any) -> Any:
    """A JSON value with the fields that are named like secrets as stars."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {n: STARS if names_secret(n) else _starred(field) for n, field in fields.items()}
    if isinstance(value, list):
        return [_starred(element) for element in cast("list[Any]", value)]
    return value
