"""The client against a real server: replies, failures, retries, redirects, odd bodies."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reqon.clock import SystemClock
from reqon.http.auth.bearer import BearerAuth
from reqon.http.client import HttpClient, SendRules
from reqon.http.encode import RequestParts, Target, build_request, with_idempotency_key
from reqon.http.messages import HttpFailure, HttpReply, RetryNotice
from reqon.http.retry import RetryRules
from reqon.plan.policies import RetryPolicy
from reqon.secrets import Secret, SecretRegistry
from support.fake_api import (
    BROKEN_JSON,
    DROP,
    GARBAGE,
    TRUNCATE,
    FakeApi,
    Gate,
    Reply,
    status,
    text,
)

TWICE = RetryPolicy(max_attempts=2, initial_delay_ms=100)


class Bench:
    """A fake API and a client whose waits are noted instead of waited."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.waits: list[float] = []
        self.notices: list[RetryNotice] = []
        self.secrets = SecretRegistry()
        self.client = HttpClient(self.secrets, sleep=self._sleep, chance=lambda: 0.5)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def _notice(self, notice: RetryNotice) -> None:
        self.notices.append(notice)

    def request(self, path: str, method: str = "get", **parts: Any):
        target = Target("API", self.api.url, parts.pop("source_headers", {}))
        return build_request(target, RequestParts(method, path, **parts))

    async def send(self, path: str, method: str = "get", **how: Any):
        rules = SendRules(
            timeout_ms=how.pop("timeout_ms", 20_000),
            retry=how.pop("retry", RetryRules()),
            auth=how.pop("auth", SendRules().auth),
            on_retry=self._notice,
        )
        request = self.request(path, method, **how)
        if request.method == "POST":
            request = with_idempotency_key(request, "Idempotency-Key", "k1")
        return await self.client.send(request, rules)

    async def reply(self, path: str, method: str = "get", **how: Any) -> HttpReply:
        outcome = await self.send(path, method, **how)
        assert isinstance(outcome, HttpReply), outcome
        return outcome

    async def failure(self, path: str, method: str = "get", **how: Any) -> HttpFailure:
        outcome = await self.send(path, method, **how)
        assert isinstance(outcome, HttpFailure), outcome
        return outcome


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with FakeApi() as api:
        made = Bench(api)
        async with made.client:
            yield made


# ---------------------------------------------------------------- replies


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply({"a": 1, "b": [True, None]}), {"a": 1, "b": [True, None]}),
        (Reply([{"id": 1}]), [{"id": 1}]),
        (Reply("word"), "word"),
        (Reply(b"null"), None),
        (Reply(b"12345678901234567890123"), 12345678901234567890123),
        (Reply(b'{"a": 1, "a": 2}'), {"a": 2}),
        (Reply(b""), {}),
        (Reply(b" \n"), {}),
        (status(204), {}),
        (status(304), {}),
        (Reply(b'{"a": 1}', content_type="application/vnd.api+json; charset=utf-8"), {"a": 1}),
        (Reply(b'["\xe9"]', content_type="application/json; charset=latin-1"), ["é"]),
        (Reply(b"\xef\xbb\xbf[1]"), [1]),
        (text("<html></html>", "text/html"), "<html></html>"),
        (text('{"a": 1}', "text/plain"), '{"a": 1}'),
        (text("café".encode("latin-1"), "text/csv; charset=iso-8859-1"), "café"),
        (Reply(gzip.compress(b"[1, 2]"), headers={"Content-Encoding": "gzip"}), [1, 2]),
        (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]", fault="raw"), [1]),
        (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", fault="raw"), "hi"),
    ],
)
async def test_a_reply_is_decoded_by_its_content_type(bench: Bench, reply: Reply, body: Any):
    bench.api.get("/x", reply)
    assert (await bench.reply("/x")).body == body


async def test_a_reply_tells_its_status_headers_and_times(bench: Bench):
    bench.api.get("/x", status(201, {"id": 1}, X_Total="7", Date="Tue, 06 May 2031 07:08:09 GMT"))
    reply = await bench.reply("/x")
    assert (reply.status, reply.reason, reply.ok, reply.attempts) == (201, "Created", True, 1)
    assert reply.headers["x-total"] == "7"
    assert reply.date is not None
    assert reply.date.isoformat() == "2031-05-06T07:08:09+00:00"
    assert reply.started_at <= reply.attempt_started_at


async def test_connections_are_used_again(bench: Bench):
    bench.api.get("/x", {})
    for _ in range(5):
        await bench.reply("/x")
    assert bench.api.n_connections == 1


async def test_many_requests_at_once_do_not_wait_for_each_other(bench: Bench):
    gate = Gate()
    bench.api.get("/held", Reply({}, gate=gate)).get("/free", {})
    async with asyncio.TaskGroup() as group:
        held = [group.create_task(bench.reply("/held")) for _ in range(150)]
        await gate.reached()
        await bench.reply("/free")
        assert not any(task.done() for task in held)
        gate.open()


# ---------------------------------------------------------------- failures


FAILURES = [
    (status(404), "http", 404, "Not Found", "answered 404 Not Found"),
    (
        status(500, {"detail": "no disk"}),
        "http",
        500,
        "Internal Server Error",
        'answered 500 Internal Server Error: {"detail": "no disk"}',
    ),
    (Reply(None, 418, reason="Tea only"), "http", 418, "Tea only", "answered 418 Tea only"),
    (
        DROP,
        "network",
        None,
        "network_error",
        "got no reply: the service closed the connection without an answer",
    ),
    (
        TRUNCATE,
        "network",
        None,
        "network_error",
        "got no reply: the reply's body broke off, or is not compressed as it says",
    ),
    (
        Reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
        "network",
        None,
        "network_error",
        "got no reply: the reply's body broke off, or is not compressed as it says",
    ),
    (
        BROKEN_JSON,
        "invalid_json",
        200,
        "invalid_json",
        "answered 200 with a body that is no JSON: it ends too early, after 15 bytes: "
        '{"items": [1, 2▸',
    ),
    (
        Reply(b"<!doctype html><p>Log in"),
        "invalid_json",
        200,
        "invalid_json",
        "answered 200 with a body that is no JSON: it looks like HTML or XML: "
        "<!doctype html><p>Log in",
    ),
    (
        Reply(b'{"n": NaN}'),
        "invalid_json",
        200,
        "invalid_json",
        'answered 200 with a body that is no JSON: invalid character at byte 6: {"n": ▸NaN}',
    ),
    (
        Reply(b'{"n": "\xff"}'),
        "invalid_json",
        200,
        "invalid_json",
        'answered 200 with a body that is no JSON: it is no UTF-8, at byte 7 (0xff): {"n": "▸�"}',
    ),
    (
        text(b"\xff\xfa"),
        "http",
        200,
        "invalid_text",
        "answered 200 with a body that is no text: it is no UTF-8, at byte 0 (0xff): ▸��",
    ),
]


@pytest.mark.parametrize(("reply", "kind", "code", "error", "told"), FAILURES)
async def test_a_failure_tells_what_was_sent_and_what_came_back(
    bench: Bench, reply: Reply, kind: str, code: int | None, error: str, told: str
):
    bench.api.get("/x", reply)
    failure = await bench.failure("/x?token=hidden", params={"key": "hidden"})
    assert failure.message == f"GET {bench.api.url}/x {told}"
    assert (failure.kind, failure.status) == (kind, code)
    assert failure.value["error"] == error
    assert failure.value["code"] == code
    assert failure.value["message"] == failure.message
    raised = failure.to_error()
    assert (raised.kind, raised.code, raised.message) == (kind, code, failure.message)


async def test_what_is_no_http_is_said_to_be_none(bench: Bench):
    bench.api.get("/x", GARBAGE)
    failure = await bench.failure("/x")
    assert failure.kind == "network"
    assert "what came back is not HTTP" in failure.message
    assert failure.hint == "check the scheme and port in the base of 'API'"


async def test_fields_of_the_body_win_in_the_error_value(bench: Bench):
    body = {"error": "quota", "code": "Q1", "extra": 1}
    bench.api.get("/x", status(403, body, Retry_After="7"))
    value = (await bench.failure("/x")).value
    assert {k: value[k] for k in ("error", "code", "extra", "retryAfter")} == {
        "error": "quota",
        "code": "Q1",
        "extra": 1,
        "retryAfter": 7,
    }
    assert value["headers"]["retry-after"] == "7"
    assert value["message"].startswith("GET ")


async def test_a_service_that_is_not_there_is_a_network_failure(bench: Bench):
    async with FakeApi() as gone:
        url = gone.url
    failure = await bench.failure(f"{url}/x")
    port = url.rpartition(":")[2]
    assert (
        failure.message
        == (f"GET {url}/x got no reply: no connection to '127.0.0.1:{port}': Connection refused")
        or f"127.0.0.1:{port}" in failure.message
    )
    assert failure.hint == "check that the service is running there"
    assert failure.retryable


async def test_an_unknown_host_is_a_network_failure(bench: Bench):
    failure = await bench.failure("http://no-such-host.invalid/x")
    assert failure.kind == "network"
    assert "no-such-host.invalid" in failure.message


async def test_a_service_without_tls_is_said_to_have_none(bench: Bench):
    failure = await bench.failure(bench.api.url.replace("http://", "https://") + "/x")
    assert failure.kind == "network"
    assert "no trusted TLS connection to '127.0.0.1': " in failure.message
    assert failure.hint == "check the host's certificate and this machine's clock"


@pytest.mark.parametrize(
    ("code", "headers", "hint"),
    [
        (401, {}, "check the credentials of 'API': --auth, REQON_API_TOKEN"),
        (403, {}, "the credentials of 'API' do not allow this; check their rights"),
        (404, {}, "check the path, and the base of 'API'"),
        (429, {}, "give 'API' a rateLimit, or the request a retry with longer waits"),
        (
            429,
            {"Retry-After": "999"},
            "the service asks for a longer pause than is allowed; run again later",
        ),
        (500, {}, "the service is in trouble; a 'retry' on the request tries again"),
        (302, {}, "the service sends it on, but not where to"),
        (400, {}, None),
    ],
)
async def test_a_failure_says_what_to_do(
    bench: Bench, code: int, headers: dict[str, str], hint: str | None
):
    bench.api.get("/x", Reply(None, code, headers))
    assert (await bench.failure("/x")).hint == hint


@pytest.mark.parametrize(
    "body", [b"x" * 1001, gzip.compress(b"x" * 1001)], ids=["plain", "compressed"]
)
async def test_a_body_beyond_the_limit_is_a_failure(bench: Bench, body: bytes):
    headers = {} if body.startswith(b"x") else {"Content-Encoding": "gzip"}
    bench.api.get("/x", Reply(body, headers=headers))
    async with HttpClient(max_body_bytes=1000) as client:
        outcome = await client.send(bench.request("/x"))
    assert isinstance(outcome, HttpFailure)
    assert outcome.message.endswith("its body is larger than 1,000 bytes")
    assert outcome.hint == "ask for it in pages"


@pytest.mark.parametrize("in_body", [False, True])
async def test_a_slow_reply_is_a_timeout_of_the_attempt(bench: Bench, in_body: bool):
    gate = Gate()
    bench.api.get("/x", Reply({"a": 1}, gate=gate, gate_in_body=in_body))
    failure = await bench.failure("/x", timeout_ms=50)
    gate.open()
    assert (failure.kind, failure.status, failure.value["error"]) == ("timeout", None, "timeout")
    assert "took longer than 50 ms" in failure.message


async def test_cancelling_passes_through(bench: Bench):
    gate = Gate()
    bench.api.get("/x", Reply({}, gate=gate))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.send("/x"))
        await gate.reached()
        task.cancel()
    gate.open()
    assert task.cancelled()


async def test_no_secret_stands_in_a_failure(bench: Bench):
    bench.secrets.add("API_TOKEN", "s3cr3t-t0ken")
    bench.api.get("/bot/s3cr3t-t0ken/send", status(400, {"got": "Bearer s3cr3t-t0ken"}))
    failure = await bench.failure("/bot/s3cr3t-t0ken/send")
    told = 'answered 400 Bad Request: {"got": "Bearer ****"}'
    assert failure.message == f"GET {bench.api.url}/bot/****/send {told}"
    assert failure.to_error().details["got"] == "Bearer ****"
    assert failure.value["got"] == "Bearer s3cr3t-t0ken"


# ---------------------------------------------------------------- retries


async def test_a_retry_goes_on_until_a_reply_comes(bench: Bench):
    bench.api.get("/x", status(503), DROP, TRUNCATE, {"ok": 1})
    policy = RetryPolicy(max_attempts=4, initial_delay_ms=100)
    reply = await bench.reply("/x", retry=RetryRules(policy))
    assert (reply.body, reply.attempts) == ({"ok": 1}, 4)
    assert bench.waits == [0.1, 0.2, 0.4]
    assert [(n.attempt, n.wait_ms) for n in bench.notices] == [(2, 100), (3, 200), (4, 400)]
    assert [n.reason for n in bench.notices][:2] == [
        "503 Service Unavailable",
        "the service closed the connection without an answer",
    ]


async def test_the_last_failure_counts_the_attempts(bench: Bench):
    bench.api.get("/x", status(502))
    failure = await bench.failure("/x", retry=RetryRules(TWICE))
    assert failure.attempts == 2
    assert failure.message.endswith("answered 502 Bad Gateway after 2 attempts")
    assert len(bench.api.requests) == 2


async def test_without_a_retry_there_is_one_attempt(bench: Bench):
    bench.api.get("/x", status(503), {})
    assert (await bench.failure("/x")).status == 503
    assert len(bench.api.requests) == 1


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
async def test_a_request_without_a_body_names_no_type_of_one(bench: Bench, method: str):
    bench.api.on(method, "/x", {})
    await bench.reply("/x", method)
    assert bench.api.requests[0].header("Content-Type") is None


async def test_a_connection_that_is_used_again_and_breaks_counts_as_an_attempt(bench: Bench):
    bench.api.get("/x", {}, DROP, {})
    await bench.reply("/x")
    assert (await bench.failure("/x")).kind == "network"
    assert len(bench.api.requests) == 2


async def test_a_429_is_repeated_without_any_retry(bench: Bench):
    bench.api.get("/x", status(429, None, Retry_After="2"), status(429), {"ok": 1})
    assert (await bench.reply("/x")).body == {"ok": 1}
    assert bench.waits == [2.0, 2.0]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=2), timedelta(hours=-2)])
async def test_a_date_to_come_back_at_counts_by_the_clock_of_the_service(
    bench: Bench, ahead: timedelta
):
    theirs = SystemClock().now() + ahead
    head = {"Date": theirs, "Retry-After": theirs + timedelta(seconds=40)}
    said = {name: format_datetime(date, usegmt=True) for name, date in head.items()}
    bench.api.get("/x", Reply(None, 429, said), {"ok": 1})
    assert (await bench.reply("/x")).body == {"ok": 1}
    assert bench.waits == [40.0]


async def test_a_429_that_asks_for_too_much_is_a_rate_limit_failure(bench: Bench):
    bench.api.get("/x", status(429, None, Retry_After="301"))
    failure = await bench.failure("/x")
    assert (failure.kind, failure.status) == ("rate_limit", 429)
    assert failure.value["error"] == "rate_limit"
    assert failure.value["retryAfter"] == 301
    assert bench.waits == []


async def test_an_inherited_retry_repeats_a_post_only_when_nothing_was_done(bench: Bench):
    bench.api.post("/a", status(503), {"ok": 1}).post("/b", status(500), {"ok": 1})
    inherited = RetryRules(TWICE, "source")
    assert (await bench.reply("/a", "post", retry=inherited)).attempts == 2
    assert (await bench.failure("/b", "post", retry=inherited)).attempts == 1
    bench.api.post("/b", status(500), {"ok": 1})
    assert (await bench.reply("/b", "post", retry=RetryRules(TWICE))).attempts == 2


async def test_every_attempt_carries_the_same_key(bench: Bench):
    bench.api.post("/x", status(503), status(409), {"ok": 1})
    policy = RetryPolicy(max_attempts=3)
    await bench.reply("/x", "post", retry=RetryRules(policy))
    assert bench.api.idempotency_keys("/x") == {"k1": 3}


async def test_a_service_that_wants_no_pause_gets_none(bench: Bench):
    bench.api.get("/x", status(503, None, Retry_After="0"), {"ok": 1})
    rules = SendRules(retry=RetryRules(TWICE), delay=lambda: 5_000)
    assert isinstance(await bench.client.send(bench.request("/x"), rules), HttpReply)
    assert bench.waits == [0.0]


async def test_a_computed_delay_is_asked_for_before_each_wait(bench: Bench):
    bench.api.get("/x", status(503), status(503, None, Retry_After="9"), status(503), {})
    delays = iter([5.0, 7.0])
    rules = SendRules(retry=RetryRules(RetryPolicy(max_attempts=4)), delay=lambda: next(delays))
    await bench.client.send(bench.request("/x"), rules)
    assert bench.waits == [0.005, 9.0, 0.007]


# ---------------------------------------------------------------- what is sent


async def test_urls_reach_the_wire_as_they_were_encoded(bench: Bench):
    for path in ("/a%2Fb", "/caf%C3%A9"):
        bench.api.get(path, {})
    await bench.send("/a%2Fb", params={"q": "a b&c", "list": [1, 2], "none": None})
    await bench.send("/café?x=1#part")
    assert bench.api.lines == ["GET /a%2Fb?q=a%20b%26c&list=1&list=2", "GET /caf%C3%A9?x=1"]


async def test_bodies_and_headers_arrive(bench: Bench):
    bench.api.post("/x", {})
    await bench.send("/x", "post", body={"a": [1, None]}, has_body=True, headers={"X-A": 1})
    asked = bench.api.requests[0]
    assert asked.json == {"a": [1, None]}
    assert (asked.header("content-type"), asked.header("x-a")) == ("application/json", "1")
    assert asked.header("accept") == "application/json, text/plain;q=0.9, */*;q=0.8"
    assert asked.header("cookie") is None


async def test_credentials_go_to_the_own_origin_only(bench: Bench):
    auth = BearerAuth(Secret("API.token", "t0ken"))
    async with FakeApi() as other:
        other.get("/x", {})
        bench.api.get("/x", {})
        await bench.send("/x", auth=auth, source_headers={"X-Key": "k"})
        await bench.send(f"{other.url}/x", auth=auth, source_headers={"X-Key": "k"})
        own, foreign = bench.api.requests[0], other.requests[0]
    assert (own.header("authorization"), own.header("x-key")) == ("Bearer t0ken", "k")
    assert (foreign.header("authorization"), foreign.header("x-key")) == (None, None)


# ---------------------------------------------------------------- redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_get_follows_redirects(bench: Bench, code: int):
    bench.api.get("/old", status(code, None, Location="/new?page=2")).get("/new", {"at": "new"})
    reply = await bench.reply("/old", params={"q": 1})
    assert reply.body == {"at": "new"}
    assert bench.api.lines == ["GET /old?q=1", "GET /new?page=2"]


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        (303, ["POST /old", "GET /new"]),
        (307, ["POST /old", "POST /new"]),
        (308, ["POST /old", "POST /new"]),
    ],
)
async def test_a_post_follows_redirects_that_keep_its_meaning(
    bench: Bench, code: int, seen: list[str]
):
    bench.api.post("/old", status(code, None, Location="/new"))
    bench.api.get("/new", {}).post("/new", {})
    await bench.reply("/old", "post", body={"a": 1}, has_body=True)
    assert bench.api.lines == seen
    assert bench.api.requests[1].body == (b"" if code == 303 else b'{"a":1}')


@pytest.mark.parametrize("code", [301, 302])
async def test_a_post_never_becomes_a_get(bench: Bench, code: int):
    bench.api.post("/old", status(code, None, Location="/new?secret=1")).get("/new", {})
    failure = await bench.failure("/old", "post", body={"a": 1}, has_body=True)
    assert (failure.kind, failure.status) == ("http", code)
    assert failure.hint == ("the service sends it on to '/new'; write that address in the program")


async def test_a_redirect_to_another_origin_takes_no_credentials_along(bench: Bench):
    auth = BearerAuth(Secret("API.token", "t0ken"))
    async with FakeApi() as other:
        other.get("/x", {})
        bench.api.get("/x", status(302, None, Location=f"{other.url}/x"))
        await bench.reply("/x", auth=auth, source_headers={"X-Key": "k"}, headers={"X-Own": "o"})
        asked = other.requests[0]
    assert asked.header("authorization") is None
    assert asked.header("x-key") is None
    assert asked.header("x-own") == "o"


@pytest.mark.parametrize("location", ["http://[::1", "ftp://a.test/x", "", "http://a b/"])
async def test_a_redirect_that_leads_nowhere_is_a_failure(bench: Bench, location: str):
    bench.api.get("/x", status(302, None, Location=location))
    assert (await bench.failure("/x")).status == 302


async def test_redirects_in_a_circle_end(bench: Bench):
    bench.api.get("/x", status(302, None, Location="/x"))
    assert (await bench.failure("/x")).status == 302
    assert len(bench.api.requests) == 11


# ---------------------------------------------------------------- size


async def test_a_body_of_100_megabytes_arrives(bench: Bench):
    record = b'{"id":1,"text":"' + b"x" * 984 + b'"}'
    bench.api.get("/x", Reply(b"[" + b",".join([record] * 100_000) + b"]"))
    reply = await bench.reply("/x")
    assert reply.n_bytes > 100_000_000
    assert len(reply.body) == 100_000


@pytest.mark.parametrize("depth", [300, 10_000, 1_000_000])
async def test_deep_nesting_is_refused_and_not_a_crash(bench: Bench, depth: int):
    bench.api.get("/x", Reply(b"[" * depth + b"]" * depth))
    failure = await bench.failure("/x")
    assert failure.kind == "invalid_json"
    assert failure.message.endswith("it is nested more than 200 levels deep")


async def test_a_header_of_60_kilobytes_arrives(bench: Bench):
    bench.api.get("/x", status(200, [], X_Next="n" * 60_000))
    assert len((await bench.reply("/x")).headers["x-next"]) == 60_000
