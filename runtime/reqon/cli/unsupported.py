"""What the command line knows of but does not do yet: said clearly, never passed over."""

from __future__ import annotations

import click


def not_supported(what: str) -> click.UsageError:
    """The error to raise for `what`, such as `--daemon`; its exit code is 2."""
    return click.UsageError(f"{what} is not supported yet")


def refuse_option(_ctx: click.Context, parameter: click.Parameter, value: object) -> object:
    """A click callback for an option that is known but not built yet."""
    if value not in (None, False):
        raise not_supported(parameter.opts[0])
    return value
