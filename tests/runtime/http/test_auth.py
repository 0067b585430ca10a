"""Kinds of authentication: what they send, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from reqon.errors import ConfigError
from reqon.http.auth.base import AuthReply
from reqon.http.auth.registry import AUTH, make_auth, register_auth
from reqon.http.messages import HttpRequest
from reqon.secrets import Secret
from vague.vocabulary.kinds import AUTH_KINDS


def sent_by(kind: str, fields: dict[str, Any], request: HttpRequest) -> HttpRequest:
    flow = make_auth(kind, "API", fields).flow(request)
    sent = next(flow)
    with pytest.raises(StopIteration):
        flow.send(AuthReply(200, {}, b""))
    return sent


REQUEST = HttpRequest("GET", "https://api.test/x", headers={"authorization": "old", "X-A": "1"})


@pytest.mark.parametrize("token", [Secret("API.token", "t0ken"), "t0ken"])
def test_a_bearer_token_is_a_header_that_stays_with_the_origin(token: Any):
    sent = sent_by("bearer", {"token": token}, REQUEST)
    assert sent.headers == {"X-A": "1", "Authorization": "Bearer t0ken"}
    assert sent.source_headers == {"authorization"}
    assert "t0ken" not in repr(sent)


def test_no_auth_changes_nothing():
    assert sent_by("none", {"token": "t0ken"}, REQUEST) == REQUEST


@pytest.mark.parametrize(
    ("kind", "fields", "message", "hint"),
    [
        ("bearer", {}, "source 'API' has auth 'bearer' but no token", "REQON_API_TOKEN"),
        ("bearer", {"token": ""}, "source 'API' has auth 'bearer' but no token", "--auth"),
        ("bearer", {"token": "a\nb"}, "has characters that no HTTP header can carry", "line br"),
        ("oauth2", {}, "uses auth 'oauth2', which is not supported yet", "bearer, none"),
    ],
)
def test_credentials_that_cannot_work_say_what_to_do(
    kind: str, fields: dict[str, Any], message: str, hint: str
):
    with pytest.raises(ConfigError) as raised:
        make_auth(kind, "API", fields)
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_every_auth_kind_has_a_word():
    assert set(AUTH) <= set(AUTH_KINDS)
    with pytest.raises(ValueError, match="exists already"):
        register_auth("none", AUTH["none"])
