"""The fake API itself: beside other processes, holding replies back, creating things once."""

from __future__ import annotations

import json
import threading
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from support.fake_api import FakeApi, Gate, Reply, status
from support.fake_pages import once_per_key

_OPENER = build_opener(ProxyHandler({}))


def ask(url: str, body: object = None, **headers: str) -> object:
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with _OPENER.open(Request(url, data, named), timeout=10) as reply:
        return json.load(reply)


def test_it_serves_from_a_thread_and_stops():
    with FakeApi().in_thread() as api:
        api.get("/x", {"n": 1}, {"n": 2})
        assert [ask(f"{api.url}/x?q={n}") for n in range(3)] == [{"n": 1}, {"n": 2}, {"n": 2}]
        assert api.lines == ["GET /x?q=0", "GET /x?q=1", "GET /x?q=2"]
        with pytest.raises(HTTPError, match="404"):
            ask(f"{api.url}/y")
    with pytest.raises(OSError, match="refused"):
        ask(f"{api.url}/x")


def test_a_gate_holds_a_reply_until_it_is_opened():
    gate, answers = Gate(), list[object]()
    with FakeApi().in_thread() as api:
        api.get("/x", Reply({"n": 1}, gate=gate))
        asking = threading.Thread(target=lambda: answers.append(ask(f"{api.url}/x")))
        asking.start()
        gate.reached_in_thread()
        assert answers == []
        gate.open()
        asking.join(10)
    assert answers == [{"n": 1}]


def test_a_key_creates_once_and_is_answered_alike():
    answer, created = once_per_key()
    with FakeApi().in_thread() as api:
        api.post("/x", answer).post("/none", status(201, {}))
        first = ask(f"{api.url}/x", {"a": 1}, Idempotency_Key="k1")
        assert ask(f"{api.url}/x", {"a": 1}, Idempotency_Key="k1") == first == {"id": 1, "a": 1}
        assert ask(f"{api.url}/x", {"a": 1}, Idempotency_Key="k2") == {"id": 2, "a": 1}
        with pytest.raises(HTTPError, match="422"):
            ask(f"{api.url}/x", {"a": 2}, Idempotency_Key="k1")
        ask(f"{api.url}/none", {})
        assert api.idempotency_keys("/x") == {"k1": 3, "k2": 1}
        assert api.idempotency_keys("/none") == {None: 1}
    assert created == [{"a": 1}, {"a": 1}]
