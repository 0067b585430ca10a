"""The kinds of pagination by the word that a program uses for them."""

from __future__ import annotations

from reqon.errors import ConfigError
from reqon.http.paging.base import Paginator
from reqon.http.paging.cursor import Cursors
from reqon.http.paging.link import NextLinks
from reqon.http.paging.offset import Offsets
from reqon.http.paging.page import PageNumbers

PAGINATORS: dict[str, Paginator] = {
    "offset": Offsets(),
    "page": PageNumbers(),
    "cursor": Cursors(),
    "link": NextLinks(),
}


def register_paginator(name: str, paginator: Paginator) -> None:
    """Make a kind known to programs; a name that is taken is a ValueError."""
    if name in PAGINATORS:
        raise ValueError(f"the pagination '{name}' exists already")
    PAGINATORS[name] = paginator


def paginator(name: str) -> Paginator:
    """The kind of that name; a ConfigError that lists the known ones where there is none."""
    found = PAGINATORS.get(name)
    if found is None:
        known = ", ".join(sorted(PAGINATORS))
        raise ConfigError(f"no pagination '{name}' is registered", hint=f"known are: {known}")
    return found
