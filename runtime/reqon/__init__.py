"""Reqon: missions that fetch, map, validate and store records, and survive being killed.

The names below are the public interface; they are loaded when they are first used, so that
importing the package loads nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reqon.api import (
        ExecutionResult,
        execute,
        execute_async,
        get_execution_history,
        get_execution_history_async,
        get_execution_state,
        get_execution_state_async,
    )
    from reqon.errors import (
        AbortError,
        CheckError,
        ConfigError,
        RefusedError,
        ReqonError,
        RunError,
        StorageError,
    )
    from reqon.extensions import (
        register_adapter,
        register_auth,
        register_function,
        register_paginator,
        register_step,
    )
    from reqon.sinks.callbacks import ErrorReport, Progress
    from reqon.state.model import ActiveStep, ExecutionState, StoreCounts
    from reqon.state_stores.chosen import set_state_store
    from reqon.state_stores.file import FileStateStore
    from reqon.state_stores.memory import MemoryStateStore
    from reqon.state_stores.protocol import StateStore

_HOMES = {
    "AbortError": "reqon.errors",
    "ActiveStep": "reqon.state.model",
    "CheckError": "reqon.errors",
    "ConfigError": "reqon.errors",
    "ErrorReport": "reqon.sinks.callbacks",
    "ExecutionResult": "reqon.api",
    "ExecutionState": "reqon.state.model",
    "FileStateStore": "reqon.state_stores.file",
    "MemoryStateStore": "reqon.state_stores.memory",
    "Progress": "reqon.sinks.callbacks",
    "RefusedError": "reqon.errors",
    "ReqonError": "reqon.errors",
    "RunError": "reqon.errors",
    "StateStore": "reqon.state_stores.protocol",
    "StorageError": "reqon.errors",
    "StoreCounts": "reqon.state.model",
    "execute": "reqon.api",
    "execute_async": "reqon.api",
    "get_execution_history": "reqon.api",
    "get_execution_history_async": "reqon.api",
    "get_execution_state": "reqon.api",
    "get_execution_state_async": "reqon.api",
    "register_adapter": "reqon.extensions",
    "register_auth": "reqon.extensions",
    "register_function": "reqon.extensions",
    "register_paginator": "reqon.extensions",
    "register_step": "reqon.extensions",
    "set_state_store": "reqon.state_stores.chosen",
}

__all__ = [
    "AbortError",
    "ActiveStep",
    "CheckError",
    "ConfigError",
    "ErrorReport",
    "ExecutionResult",
    "ExecutionState",
    "FileStateStore",
    "MemoryStateStore",
    "Progress",
    "RefusedError",
    "ReqonError",
    "RunError",
    "StateStore",
    "StorageError",
    "StoreCounts",
    "execute",
    "execute_async",
    "get_execution_history",
    "get_execution_history_async",
    "get_execution_state",
    "get_execution_state_async",
    "register_adapter",
    "register_auth",
    "register_function",
    "register_paginator",
    "register_step",
    "set_state_store",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reqon' has no attribute '{name}'")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
