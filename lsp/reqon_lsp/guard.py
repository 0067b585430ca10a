"""The fence around every feature: a failing one answers empty, is logged, and the server lives.

Only `RefusedError` gets through, as an error reply with its own words.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

from reqon_lsp.protocol import refused
from reqon_lsp.results import RefusedError

logger = logging.getLogger(__name__)


def fenced(empty: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a handler answer `empty` where it would raise; the trace goes to the log."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(handler):

            @functools.wraps(handler)
            async def awaited(*arguments: Any) -> Any:
                try:
                    return await handler(*arguments)
                except RefusedError as refusal:
                    raise refused(str(refusal)) from None
                except Exception:  # the fence
                    logger.exception("%s failed", handler.__name__)
                    return empty

            return awaited

        @functools.wraps(handler)
        def called(*arguments: Any) -> Any:
            try:
                return handler(*arguments)
            except RefusedError as refusal:
                raise refused(str(refusal)) from None
            except Exception:  # the fence
                logger.exception("%s failed", handler.__name__)
                return empty

        return called

    return decorate
