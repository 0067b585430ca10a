"""What stands on the wire: paths, parameters, headers, bodies, origins."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.errors import ConfigError, RunError
from reqon.http.encode import (
    RequestParts,
    Target,
    build_request,
    full_url,
    page_request,
    with_idempotency_key,
)
from reqon.http.paging.base import PageAsk
from reqon.http.paths import Placeholder, fill_path, path_parts
from reqon.http.urls import as_sent, check_base, join_base, origin, resolve
from reqon.values.duration import Duration

DATE = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
BASE = "https://api.test/v2"
FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


def request_of(path: str = "/x", method: str = "get", *, headers: Any = None, **parts: Any):
    source_headers = parts.pop("source_headers", {})
    base = parts.pop("base", BASE)
    body = {"has_body": True, "body": parts.pop("body")} if "body" in parts else {}
    target = Target("API", base, source_headers)
    return build_request(target, RequestParts(method, path, headers=headers, **body, **parts))


# ---------------------------------------------------------------- path strings


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("/plain", ("/plain",)),
        ("/c/{id}", ("/c/", Placeholder(("id",)))),
        ("/c/{a.b.c}/x", ("/c/", Placeholder(("a", "b", "c")), "/x")),
        ("{url}", (Placeholder(("url",)),)),
        ("/{a}{b}", ("/", Placeholder(("a",)), Placeholder(("b",)))),
        ("/{{not}}", ("/{not}",)),
        ("/{{{a}}}", ("/{", Placeholder(("a",)), "}")),
        ("/{ a . b }", ("/", Placeholder(("a", "b")))),
        ("/{}", ("/{}",)),
        ("/{1a}", ("/{1a}",)),
        ("/{open", ("/{open",)),
        ("", ()),
    ],
)
def test_path_strings_are_cut_at_their_placeholders(template: str, parts: Any):
    assert path_parts(template) == parts


@pytest.mark.parametrize(
    ("names", "variable"),
    [
        (("TENANT",), "TENANT"),
        (("TENANT_2",), "TENANT_2"),
        (("Tenant",), None),
        (("tenant",), None),
        (("A", "B"), None),
        (("_",), None),
    ],
)
def test_a_single_name_in_capitals_may_be_of_the_environment(
    names: tuple[str, ...], variable: str | None
):
    assert Placeholder(names).environment_name == variable


@pytest.mark.parametrize(
    ("template", "values", "path"),
    [
        ("/c/{id}", [7], "/c/7"),
        ("/c/{id}", ["a/b c?é"], "/c/a%2Fb%20c%3F%C3%A9"),
        ("/c/{id}", [3.0], "/c/3"),
        ("/c/{id}", [True], "/c/true"),
        ("/c/{id}", [DATE], "/c/2031-05-06T07%3A08%3A09Z"),
        ("/c/{id}", [Duration(1500)], "/c/1500"),
        ("/c/{id}", [""], "/c/"),
        ("{next}", ["https://api.test/a/b?c=1"], "https://api.test/a/b?c=1"),
        ("/a/{x}/{y}", ["1", "2"], "/a/1/2"),
        ("/../{x}", ["1"], "/../1"),
        ("/a/{x}.{y}", ["1", "json"], "/a/1.json"),
    ],
)
def test_placeholders_are_filled_and_encoded(template: str, values: list[Any], path: str):
    assert fill_path(path_parts(template), values) == path


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the path has no value for '{c.id}': it is null"),
        ({"id": 1}, "'{c.id}' in the path is an object ({id: 1}), which cannot stand there"),
        ([1], "'{c.id}' in the path is an array ([1]), which cannot stand there"),
        ("..", "a value '..' in the path '/c/../x' would leave its place"),
        (".", "a value '.' in the path '/c/./x' would leave its place"),
    ],
)
def test_what_cannot_stand_in_a_path_is_an_error(value: Any, message: str):
    with pytest.raises(RunError) as raised:
        fill_path(path_parts("/c/{c.id}/x"), [value])
    assert raised.value.kind == "path"
    assert raised.value.message.replace('"id"', "id") == message


@given(TEXT)
def test_any_text_in_a_path_comes_back(value: str):
    if value in (".", ".."):
        return
    path = fill_path(path_parts("/c/{id}/end"), [value])
    sent = full_url(request_of(path))
    assert unquote(urlsplit(sent).path.split("/")[3]) == value
    assert sent.count("/") == 6


# ---------------------------------------------------------------- base and URL


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://a.test", "/x", "https://a.test/x"),
        ("https://a.test/", "/x", "https://a.test/x"),
        ("https://a.test/v2", "x", "https://a.test/v2/x"),
        ("https://a.test/v2//", "//x", "https://a.test/v2/x"),
        ("https://a.test/v2", "", "https://a.test/v2"),
        ("https://a.test/v2/", "/", "https://a.test/v2/"),
        ("https://a.test/v2", "?q=1", "https://a.test/v2?q=1"),
        ("https://a.test/v2?key=k", "/x", "https://a.test/v2/x?key=k"),
        ("https://a.test/v2?key=k", "/x?q=1", "https://a.test/v2/x?q=1&key=k"),
        ("https://a.test/v2", "/x?", "https://a.test/v2/x?"),
    ],
)
def test_base_and_path_are_joined_by_one_slash(base: str, path: str, url: str):
    assert join_base(base, path) == url


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.test/b c/é", "https://a.test/b%20c/%C3%A9"),
        ("https://a.test/b%20c?x=%C3%A9", "https://a.test/b%20c?x=%C3%A9"),
        ("https://a.test:8080/x", "https://a.test:8080/x"),
        ("https://bücher.test/x", "https://xn--bcher-kva.test/x"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://user:pw@a.test/x", "http://user:pw@a.test/x"),
        ("HTTP://A.test/x", "http://a.test/x"),
    ],
)
def test_only_spaces_and_non_ascii_are_encoded(url: str, sent: str):
    assert as_sent(url) == sent


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://", "its host cannot be used"),
        ("http:///x", "its host cannot be used"),
        ("https://a.test:99999/", "its host cannot be used"),
        ("http://a b/", "its host cannot be used"),
        ("http://[::1/", "its host cannot be used"),
        ("api.test/v2", "it does not begin with http:// or https://"),
        ("ftp://a.test", "it does not begin with http:// or https://"),
    ],
)
def test_a_url_that_cannot_be_used_is_an_error(url: str, why: str):
    with pytest.raises(RunError) as raised:
        as_sent(url)
    assert raised.value.kind == "path"
    assert raised.value.message.endswith(f"is no URL for a request: {why}")
    with pytest.raises(ConfigError, match="the base of source 'API' cannot be used"):
        check_base("API", url)


@given(st.text(alphabet="ahtp:/?#[]@%.1 \x00é") | TEXT)
def test_any_reference_is_resolved_or_refused(reference: str):
    with suppress(RunError):
        sent = resolve(f"{BASE}/x?y", reference)
        assert sent.isascii()
        assert as_sent(sent) == sent


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.test/x", "https://A.test:443/y?z", True),
        ("http://a.test", "http://a.test:80", True),
        ("http://a.test", "https://a.test", False),
        ("https://a.test", "https://b.test", False),
        ("https://a.test", "https://a.test:444", False),
        ("https://a.test", "https://a.test.evil.test", False),
        ("https://a.test", "https://a.test@evil.test", False),
    ],
)
def test_origins_are_scheme_host_and_port(one: str, other: str, same: bool):
    assert (origin(one) == origin(other)) is same


def test_a_source_without_base_needs_absolute_paths():
    assert request_of("https://a.test/x", base=None).trusted is False
    with pytest.raises(RunError) as raised:
        request_of("/x", base=None)
    assert raised.value.kind == "config"
    assert raised.value.message == "source 'API' has no base URL for the path '/x'"


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a": 1, "b": "x y"}, "a=1&b=x%20y"),
        ({"a": None}, ""),
        ({"a": [1, None, "b"]}, "a=1&a=b"),
        ({"a": []}, ""),
        ({"a": True, "b": False}, "a=true&b=false"),
        ({"a": DATE}, "a=2031-05-06T07%3A08%3A09Z"),
        ({"a": Duration(90)}, "a=90"),
        ({"a": 2.0, "b": 0.5}, "a=2&b=0.5"),
        ({"a": {"x": [1]}}, "a=%7B%22x%22%3A%5B1%5D%7D"),
        ({"a": [{"x": DATE}]}, "a=%7B%22x%22%3A%222031-05-06T07%3A08%3A09Z%22%7D"),
        ({"a[]": "&=+%"}, "a%5B%5D=%26%3D%2B%25"),
        ({"a": ""}, "a="),
        ({"a": 10**30}, f"a={10**30}"),
    ],
)
def test_parameters_have_one_form(params: dict[str, Any], query: str):
    assert full_url(request_of(params=params)) == f"{BASE}/x{'?' if query else ''}{query}"


def test_parameters_come_after_the_query_of_the_path():
    assert full_url(request_of("/x?a=1#top", params={"b": 2})) == f"{BASE}/x?a=1&b=2"
    assert full_url(request_of("/x?", params={"b": 2})) == f"{BASE}/x?b=2"


@given(st.dictionaries(TEXT, TEXT | st.lists(TEXT, min_size=1)))
def test_any_parameters_come_back(params: dict[str, Any]):
    query = urlsplit(full_url(request_of(params=params))).query
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        pairs += [(name, item) for item in (value if isinstance(value, list) else [value])]
    assert parse_qsl(query, keep_blank_values=True) == pairs


# ---------------------------------------------------------------- headers


def test_headers_of_the_step_go_over_those_of_the_source():
    request = request_of(
        headers={"x-b": "own", "X-C": None, "X-D": DATE},
        source_headers={"X-A": 1, "X-B": "source", "X-C": "source", "X-E": None},
    )
    assert request.headers == {"X-A": "1", "x-b": "own", "X-D": "2031-05-06T07:08:09Z"}
    assert request.source_headers == {"x-a", "x-e"}


def test_source_headers_stay_with_the_origin():
    how: Any = {"source_headers": {"X-A": "1"}, "headers": {"X-B": "2"}}
    assert request_of("https://api.test/y", **how).headers == {"X-A": "1", "X-B": "2"}
    foreign = request_of("https://other.test/y", **how)
    assert (foreign.headers, foreign.trusted) == ({"X-B": "2"}, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nX-Evil: 1"), ("X-A", "a\x00"), ("X A", "a"), ("X:", "a"), ("", "a")],
)
def test_headers_cannot_be_smuggled(name: str, value: str):
    with pytest.raises(RunError) as raised:
        request_of(headers={name: value})
    assert raised.value.kind == "type"


def test_an_idempotency_key_of_the_program_stays():
    request = with_idempotency_key(request_of(method="post"), "Idempotency-Key", "ours")
    assert (request.headers["Idempotency-Key"], request.keyed) == ("ours", True)
    own = request_of(method="post", headers={"idempotency-key": "mine"})
    assert with_idempotency_key(own, "Idempotency-Key", "ours").headers == {
        "idempotency-key": "mine"
    }


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("content_type", "body", "sent", "sent_type"),
    [
        (None, {"a": [DATE, Duration(5)]}, b'{"a":["2031-05-06T07:08:09Z",5]}', "application/json"),
        (None, "text", b'"text"', "application/json"),
        (None, None, b"null", "application/json"),
        (None, 10**30, b"1" + b"0" * 30, "application/json"),
        ("application/vnd.api+json", {"a": 1}, b'{"a":1}', "application/vnd.api+json"),
        (
            "application/x-www-form-urlencoded",
            {"a": "x y", "b": [1, 2], "c": None},
            b"a=x%20y&b=1&b=2",
            None,
        ),
        ("application/x-www-form-urlencoded; charset=utf-8", "a=1", b"a=1", None),
        ("text/xml", "<a/>", b"<a/>", "text/xml"),
        ("application/json", "text", b'"text"', "application/json"),
    ],
)
def test_bodies_by_content_type(
    content_type: str | None, body: Any, sent: bytes, sent_type: str | None
):
    headers = {"content-type": content_type} if content_type else None
    request = request_of(method="post", body=body, headers=headers)
    assert request.body == sent
    own = {k.lower(): v for k, v in request.headers.items()}["content-type"]
    assert own == (sent_type or content_type)


def test_a_form_needs_an_object():
    headers = {"Content-Type": FORM}
    with pytest.raises(RunError, match="a form body must be an object, not an array"):
        request_of(method="post", body=[1], headers=headers)


def test_a_request_without_a_body_sends_none():
    request = request_of(method="post")
    assert (request.body, request.headers) == (None, {})


def test_the_body_of_a_get_becomes_parameters():
    request = request_of(params={"a": 1}, body={"b": [2, 3], "c": None})
    assert full_url(request) == f"{BASE}/x?a=1&b=2&b=3"
    assert (request.body, request.headers) == (None, {})
    assert request_of(body=None).params == ()
    with pytest.raises(RunError, match="a 'get' cannot send an array"):
        request_of(body=[1])


def test_a_delete_may_have_a_body():
    assert request_of(method="delete", body={"a": 1}).body == b'{"a":1}'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda x: st.lists(x) | st.dictionaries(TEXT, x),
    )
)
def test_any_json_body_comes_back(body: Any):
    request = request_of(method="post", body=body)
    assert request.body is not None
    assert json.loads(request.body) == body


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("path", "params", "ask", "url"),
    [
        ("/x", {"limit": 5}, PageAsk({"page": 2}), "/x?limit=5&page=2"),
        ("/x", {"page": 9}, PageAsk({"page": 2}), "/x?page=2"),
        ("/x", {}, PageAsk({"cursor": None}), "/x"),
        ("/x", {"limit": 5}, PageAsk({}, url="/y?after=3"), "/y?limit=5&after=3"),
        (
            "/x",
            {"limit": 5, "q": 1},
            PageAsk({}, url="?limit=5&after=3"),
            "/v2/x?q=1&limit=5&after=3",
        ),
    ],
)
def test_pages_change_parameters_or_the_url(path: str, params: Any, ask: PageAsk, url: str):
    target = Target("API", BASE)
    page = page_request(request_of(path, params=params), target, ask)
    sent = urlsplit(full_url(page))
    expected = urlsplit(f"https://api.test{'' if ask.url else '/v2'}{url}")
    assert sent.path == expected.path
    assert sorted(parse_qsl(sent.query)) == sorted(parse_qsl(expected.query))


def test_a_link_to_another_origin_gets_no_credentials():
    target = Target("API", BASE, {"X-A": "1"})
    first = build_request(target, RequestParts("get", "/x", headers={"X-B": "2"}))
    page = page_request(first, target, PageAsk({}, url="https://evil.test/x?after=3"))
    assert (page.trusted, page.headers) == (False, {"X-B": "2"})
    back = page_request(first, target, PageAsk({}, url="https://api.test/x?after=4"))
    assert (back.trusted, back.headers) == (True, {"X-A": "1", "X-B": "2"})


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("/x?token=t", "GET https://api.test/v2/x"),
        ("https://u:p@api.test/x?y#z", "GET https://api.test/x"),
    ],
)
def test_a_description_shows_no_credentials(url: str, description: str):
    assert request_of(url, params={"key": "k"}).description == description
