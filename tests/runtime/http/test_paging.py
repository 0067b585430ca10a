"""Pagination: every item exactly once, in every kind; ends, repeats, limits, the merged result."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.errors import ConfigError, RunError
from reqon.http.client import HttpClient
from reqon.http.encode import RequestParts, Target, build_request, full_url, page_request
from reqon.http.messages import HttpReply
from reqon.http.paging.base import PageAsk, PageFacts
from reqon.http.paging.link import next_link
from reqon.http.paging.merge import PageMerge, find_items
from reqon.http.paging.progress import Paging
from reqon.http.paging.registry import PAGINATORS, paginator, register_paginator
from reqon.plan.policies import PagingPolicy
from support.fake_api import Asked, FakeApi
from support.fake_pages import PARAMETERS, PageKind, pages
from vague.vocabulary.kinds import PAGINATORS as KNOWN

KINDS: tuple[PageKind, ...] = ("page", "offset", "cursor", "link")
URL = "https://api.test/items"


def policy_of(kind: str, size: int = 2, **more: Any) -> PagingPolicy:
    return PagingPolicy(kind, PARAMETERS.get(kind, kind), size, **more)


def facts_of(body: Any, n_items: int | None, headers: Any = None, url: str = URL) -> PageFacts:
    cursor = body.get("meta", {}).get("next") if isinstance(body, dict) else None
    return PageFacts(n_items, {k.lower(): v for k, v in (headers or {}).items()}, cursor, url)


class Fetch:
    """A list fetched from a route without a network, perhaps in several processes."""

    def __init__(self, kind: PageKind, answer: Any, policy: PagingPolicy, *, until: bool = False):
        self.answer = answer
        self.policy = policy
        self.until = until
        self.paging = Paging(policy, until=until)
        self.merge = PageMerge(policy.items)
        self.sent: list[str] = []
        target = Target("API", "https://api.test")
        self.first = build_request(target, RequestParts("get", "/items"))
        self.target = target

    def step(self) -> bool:
        """One page; answers whether there is another."""
        request = page_request(self.first, self.target, self.paging.ask)
        url = full_url(request)
        self.sent.append(url.removeprefix(URL))
        query = tuple(
            (k, v) for k, _, v in (p.partition("=") for p in url.partition("?")[2].split("&"))
        )
        reply = self.answer(Asked("GET", "/items", url, query, {}, b"", None))
        n_items = self.merge.add(reply.body)
        self.paging.receive(facts_of(reply.body, n_items, reply.headers, url))
        return self.paging.advance()

    def restart(self) -> None:
        """Go on in another process with what the journal kept."""
        state = json.loads(json.dumps(self.paging.state()))
        self.paging = Paging(self.policy, state, until=self.until)

    def all(self, restarts: frozenset[int] = frozenset()) -> Any:
        while self.step():
            if self.paging.pages in restarts:
                self.restart()
        return self.merge.result()


@given(
    st.sampled_from(KINDS),
    st.integers(0, 40),
    st.integers(1, 9),
    st.frozensets(st.integers(1, 40)),
    st.booleans(),
)
def test_all_items_come_exactly_once(
    kind: PageKind, n_items: int, size: int, restarts: frozenset[int], bare: bool
):
    bare = bare and kind != "cursor"
    items = [{"id": i} for i in range(n_items)]
    answer = pages(items, kind, size, field=None if bare else "data")
    fetch = Fetch(kind, answer, policy_of(kind, size))
    result = fetch.all(restarts)
    assert (result if bare else result["data"]) == items
    assert fetch.paging.items == n_items
    assert fetch.paging.pages == len(fetch.sent) <= n_items // size + 1


@pytest.mark.parametrize(
    ("kind", "more", "sent"),
    [
        ("page", {}, ["?page=1", "?page=2", "?page=3"]),
        ("page", {"start": 0}, ["?page=0", "?page=1", "?page=2"]),
        ("page", {"size_parameter": "n"}, ["?page=1&n=2", "?page=2&n=2", "?page=3&n=2"]),
        ("offset", {}, ["?offset=0", "?offset=2", "?offset=4"]),
        ("offset", {"start": 2}, ["?offset=2", "?offset=4"]),
        ("cursor", {}, ["", "?cursor=c2", "?cursor=c4"]),
        ("cursor", {"size_parameter": "n"}, ["?n=2", "?cursor=c2&n=2", "?cursor=c4&n=2"]),
        ("link", {}, ["", "?after=2", "?after=4"]),
    ],
)
def test_what_each_kind_sends(kind: PageKind, more: Any, sent: list[str]):
    answer = pages(list("abcde"), kind, 2, start=more.get("start", 1))
    fetch = Fetch(kind, answer, policy_of(kind, **more))
    fetch.all()
    assert fetch.sent == sent


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_over_a_real_connection(kind: PageKind):
    items = [{"id": i} for i in range(23)]
    async with FakeApi() as api, HttpClient() as client:
        api.get("/items", pages(items, kind, 5))
        target = Target("API", api.url)
        first = build_request(target, RequestParts("get", "/items", params={"q": "x"}))
        paging, merge = Paging(policy_of(kind, 5)), PageMerge()
        going = True
        while going:
            request = page_request(first, target, paging.ask)
            reply = await client.send(request)
            assert isinstance(reply, HttpReply)
            n_items = merge.add(reply.body)
            paging.receive(facts_of(reply.body, n_items, reply.headers, full_url(request)))
            going = paging.advance()
        assert merge.result()["data"] == items
        assert [asked.params["q"] for asked in api.requests] == ["x"] * 5


# ---------------------------------------------------------------- ends

# kind, items of each page, with until: pages fetched, what hasMore says after each
ENDS = [
    ("page", [2, 2, 1], False, 3, [True, True, False]),
    ("page", [2, 2, 0], False, 3, [True, True, False]),
    ("page", [2, 1, 2], False, 2, [True, False]),
    ("page", [2, 1, 2, 0], True, 4, [True, False, True, False]),
    ("offset", [2, 1, 2, 0], True, 4, [True, False, True, False]),
    ("page", [0], True, 1, [False]),
    ("page", [None, 2], False, 1, [False]),
    ("page", [None, 2, 0], True, 3, [False, True, False]),
]


@pytest.mark.parametrize(("kind", "counts", "until", "n_pages", "more"), ENDS)
def test_counted_pages_end_when_short_or_empty(
    kind: str, counts: list[int | None], until: bool, n_pages: int, more: list[bool]
):
    paging = Paging(policy_of(kind), until=until)
    said: list[bool] = []
    for count in counts:
        said.append(paging.receive(facts_of({}, count)))
        if not paging.advance():
            break
    assert (paging.pages, said, paging.done) == (n_pages, more, True)


@pytest.mark.parametrize("cursor", [None, False, "", [], {}])
def test_a_cursor_that_is_nothing_ends_the_list(cursor: Any):
    paging = Paging(policy_of("cursor"))
    assert paging.receive(PageFacts(2, {}, cursor)) is False
    assert paging.advance() is False


@pytest.mark.parametrize("cursor", ["c", 7, 0, True, {"id": 5}])
def test_any_other_cursor_is_sent(cursor: Any):
    paging = Paging(policy_of("cursor"))
    assert paging.receive(PageFacts(0, {}, cursor)) is True
    assert paging.advance() is True
    assert paging.ask == PageAsk({"cursor": cursor}, value=cursor)


def test_the_program_ends_the_list_before_a_repeat_is_noticed():
    paging = Paging(policy_of("cursor"), until=True)
    paging.receive(PageFacts(2, {}, "a"))
    paging.advance()
    paging.receive(PageFacts(2, {}, "a"))
    paging.finish()
    assert paging.done
    assert paging.progress() == {"page": 2, "itemsProcessed": 4}


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("kind", ["cursor", "link"])
@pytest.mark.parametrize("circle", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "c"]])
@pytest.mark.parametrize("restart", [False, True])
def test_a_list_that_goes_in_a_circle_is_a_failure(kind: str, circle: list[str], restart: bool):
    asked: list[str] = []

    def walk() -> None:
        paging = Paging(policy_of(kind))
        for name in [*circle, *circle]:
            asked.append(name)
            paging.receive(PageFacts(2, {"link": f'<?after={name}>; rel="next"'}, name, URL))
            paging.advance()
            if restart and paging.pages == 2:
                paging = Paging(policy_of(kind), json.loads(json.dumps(paging.state())))

    with pytest.raises(RunError, match="names a next page that was fetched before") as raised:
        walk()
    assert raised.value.kind == "pagination"
    assert len(asked) <= (2 if restart else 1) * len(circle)


@pytest.mark.parametrize("kind", KINDS)
def test_more_pages_than_allowed_are_a_failure_and_no_cut_list(kind: PageKind):
    answer = pages(list("abcdef"), kind, 2)
    fetch = Fetch(kind, answer, policy_of(kind, max_pages=2))
    with pytest.raises(RunError) as raised:
        fetch.all()
    assert raised.value.kind == "pagination"
    assert raised.value.message == "the list goes on after 2 pages, the most that are fetched"
    assert raised.value.hint is not None
    assert len(fetch.sent) == 2


def test_exactly_as_many_pages_as_allowed_are_fine():
    fetch = Fetch("page", pages(list("abcde"), "page", 2), policy_of("page", max_pages=3))
    assert fetch.all()["data"] == list("abcde")


# ---------------------------------------------------------------- state


@pytest.mark.parametrize(
    ("kind", "progress"),
    [
        ("page", {"page": 2, "itemsProcessed": 4}),
        ("offset", {"page": 2, "itemsProcessed": 4, "offset": 4}),
        ("cursor", {"page": 2, "itemsProcessed": 4, "cursor": "c4"}),
        ("link", {"page": 2, "itemsProcessed": 4, "nextUrl": f"{URL}?after=4"}),
    ],
)
def test_progress_is_what_the_record_shows(kind: PageKind, progress: dict[str, Any]):
    fetch = Fetch(kind, pages(list("abcde"), kind, 2), policy_of(kind))
    fetch.step()
    fetch.step()
    assert fetch.paging.progress() == progress


@pytest.mark.parametrize(
    ("kind", "last"),
    [("page", {"page": 2}), ("offset", {"offset": 2}), ("cursor", None), ("link", None)],
)
def test_the_last_page_kept_can_be_asked_for_again(kind: PageKind, last: dict[str, Any] | None):
    fetch = Fetch(kind, pages(list("abcde"), kind, 2), policy_of(kind))
    assert fetch.paging.last_ask() is None
    fetch.step()
    fetch.step()
    fetch.restart()
    again = fetch.paging.last_ask()
    assert (again.params if again else None) == last


def test_a_finished_list_says_so_after_a_restart():
    fetch = Fetch("page", pages([], "page", 2), policy_of("page"))
    fetch.all()
    fetch.restart()
    assert fetch.paging.done


# ---------------------------------------------------------------- links


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a.test/x?p=2>; rel="next"', "https://a.test/x?p=2"),
        ("<?p=2>; rel=next", "?p=2"),
        ('</a>; rel="prev", </b>; rel="next"', "/b"),
        ('</a>;rel="prev last next"', "/a"),
        ('</a>; title="a, b; rel=\\"x\\""; rel="next"', "/a"),
        ('</a,b;c>; rel="next"', "/a,b;c"),
        ('</a>; REL="NEXT"', "/a"),
        ('</a>; rel="prev"; rel="next"', None),
        ('</a>; rel="nextish"', None),
        ("</a>", None),
        ("", None),
        ("nonsense", None),
        ("</a>; rel", None),
        ('</a>; rel="next', None),
        ("</a>; crossorigin; rel=next", "/a"),
    ],
)
def test_the_next_link_is_found_among_others(header: str, target: str | None):
    assert next_link(header) == target


@pytest.mark.parametrize("target", ["http://[::1", "ftp://a.test/x", "mailto:a@b"])
def test_a_link_that_cannot_be_followed_is_a_failure(target: str):
    paging = Paging(policy_of("link"))
    with pytest.raises(RunError, match="the link to the next page cannot be followed") as raised:
        paging.receive(PageFacts(1, {"link": f"<{target}>; rel=next"}, url=URL))
    assert raised.value.kind == "pagination"


@given(st.text(alphabet='<>;,= "\\relnxt/'))
def test_no_link_header_breaks_the_reader(header: str):
    next_link(header)


# ---------------------------------------------------------------- result


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([1], ()),
        ({"items": [], "data": {"x": 1}}, ("items",)),
        ({"list": [], "records": []}, ("records",)),
        ({"a": 1, "coins": [1], "others": [2]}, ("coins",)),
        ({"a": {"data": [1]}}, None),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_item_list_is_looked_for(body: Any, path: Any):
    assert find_items(body) == path


MERGED = [
    (None, [[1, 2], [3]], [1, 2, 3], [2, 1]),
    (None, [{"data": [1], "n": 1}, {"data": [2], "n": 2}], {"data": [1, 2], "n": 2}, [1, 1]),
    (None, [{"x": [1]}, {"x": []}, {}], {"x": [1]}, [1, 0, 0]),
    (None, [{"x": [1], "y": [9]}, {"y": [8], "x": [2]}], {"x": [1, 2], "y": [8]}, [1, 1]),
    (("a", "b"), [{"a": {"b": [1], "c": 1}}, {"a": {"b": [2]}}], {"a": {"b": [1, 2]}}, [1, 1]),
    (("a", "b"), [{"a": {"b": [1]}}, {"a": None}], {"a": {"b": [1]}}, [1, 0]),
    (("a", 0), [{"a": [[1], 5]}, {"a": [[2], 6]}], {"a": [[1, 2], 6]}, [1, 1]),
    (("a", -1), [{"a": [5, [1]]}, {"a": [6, [2]]}], {"a": [6, [1, 2]]}, [1, 1]),
    (None, [{"n": 1}, {"n": 2}], {"n": 2}, [None, None]),
    (None, [{"n": 1}, {"data": [1]}], {"data": [1]}, [None, 1]),
    (("nope",), [{"data": [1]}], {"data": [1]}, [None]),
    (None, [], None, []),
]


@pytest.mark.parametrize(("path", "bodies", "result", "counts"), MERGED)
def test_pages_become_one_value(path: Any, bodies: list[Any], result: Any, counts: list[Any]):
    before = json.dumps(bodies)
    merge = PageMerge(path)
    assert [merge.add(body) for body in bodies] == counts
    assert merge.result() == result
    assert json.dumps(bodies) == before


@pytest.mark.parametrize(
    ("bodies", "complete"),
    [([{"n": 1}], True), ([{"n": 1}, {"n": 2}], False), ([{"data": []}, {"n": 2}], True)],
)
def test_several_pages_without_a_list_are_told(bodies: list[Any], complete: bool):
    merge = PageMerge()
    for body in bodies:
        merge.add(body)
    assert merge.complete is complete


@pytest.mark.parametrize("bodies", [[[1], {"data": [2]}], [{"data": [1]}, [2]]])
def test_pages_of_different_shapes_are_a_failure(bodies: list[Any]):
    merge = PageMerge()
    merge.add(bodies[0])
    with pytest.raises(RunError, match="unlike the pages before it") as raised:
        merge.add(bodies[1])
    assert raised.value.kind == "pagination"


# ---------------------------------------------------------------- registry


def test_kinds_and_vocabulary_agree():
    assert set(PAGINATORS) >= set(KNOWN)


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ConfigError) as raised:
        paginator("pages")
    assert raised.value.hint == "known are: cursor, link, offset, page"


def test_a_kind_is_registered_once():
    with pytest.raises(ValueError, match="exists already"):
        register_paginator("page", PAGINATORS["page"])
