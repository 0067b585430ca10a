"""What programs and plug-ins add to the language: a name, its help, and what stands behind it.

Each `register_…` tells checker and engine at once, for missions read from then on. An installed
package adds its own through an entry point of the group `reqon.extensions`, a function without
arguments; it is called once, before the first program is checked (`added`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reqon import added
from reqon.guards import GuardedPaginator, guarded_adapter, guarded_auth
from reqon.http.auth import registry as auth_registry
from reqon.http.auth.base import AuthFactory
from reqon.http.paging import registry as paging_registry
from reqon.http.paging.base import Paginator
from reqon.steps import custom
from reqon.steps.custom import StepFunction
from reqon.stores import registry as store_registry
from reqon.stores.registry import Factory
from reqon.values.functions import registry as function_registry
from vague.vocabulary import Kind
from vague.vocabulary.functions import FunctionGroup, function


def register_function(
    signature: str, call: Callable[..., Any], *, returns: str = "any", about: str = ""
) -> None:
    """Add a function; a built-in one of that name is hidden.

    `signature` says how it is called: `mask(text, keep?)`, `most(list, by())`, `join(...parts)`
    (`?` may be left out, `()` is a callback, `...` takes any number). `call` gets plain values;
    with a callback an array first, and a Python function of an element and its position second.
    Raises ValueError for a signature that cannot be read.
    """
    spec = function(signature, returns, FunctionGroup.CONVERSION, about, "")
    function_registry.register_function(
        spec.name,
        call,
        minimum=spec.minimum,
        maximum=spec.maximum,
        callback=any(parameter.kind == "callback" for parameter in spec.parameters),
    )
    added.functions[spec.name] = spec


def register_step(name: str, run: StepFunction, *, about: str = "") -> None:
    """Add a step, written `name { options }`.

    `run` is a coroutine function of the evaluated options and a context with `get`, `put` and
    `warn`; what it returns becomes `response`, None leaves that. A name that is taken is a
    ValueError.
    """
    custom.register_step(name, run)
    added.kinds["custom_steps"][name] = Kind(name, about)


def register_auth(name: str, make: AuthFactory, *, about: str = "") -> None:
    """Add a kind of `auth`; `make` gets the source's name and its credential fields.

    A name that is taken is a ValueError.
    """
    auth_registry.register_auth(name, guarded_auth(name, make))
    added.kinds["auth_kinds"][name] = Kind(name, about)


def register_paginator(
    name: str,
    paginator: Paginator,
    *,
    parameters: tuple[str, ...] = ("param", "size"),
    about: str = "",
) -> None:
    """Add a kind of pagination with its arguments in order; a taken name is a ValueError."""
    paging_registry.register_paginator(name, GuardedPaginator(name, paginator))
    added.kinds["paginators"][name] = Kind(name, about, parameters=parameters)


def register_adapter(name: str, make: Factory, *, about: str = "") -> None:
    """Add a store adapter; an existing one is replaced."""
    store_registry.register_adapter(name, guarded_adapter(name, make))
    added.kinds["store_adapters"][name] = Kind(name, about)
