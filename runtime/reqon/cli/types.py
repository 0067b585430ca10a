"""Values on the command line that are more than words: durations, times, assignments."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click

from reqon.cli import wording
from reqon.clock import SystemClock

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class DurationType(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic since 8.5 only
    """`90s`, `5m`, `2 hours`: milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Milliseconds of the text; a number passes."""
        found = value if isinstance(value, int) else wording.parse_duration(str(value))
        if found is None:
            self.fail(f"'{value}' is no duration such as 30s, 5m, 12h, 7d or '7 days'", param, ctx)
        return found


class InstantType(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic since 8.5 only
    """An ISO 8601 time."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant in UTC; without a zone the text is local time."""
        found = value if isinstance(value, datetime) else wording.parse_instant(str(value))
        if found is None:
            self.fail(
                f"'{value}' is no time such as 2031-05-06 or 2031-05-06T07:08:09Z", param, ctx
            )
        return found


class MomentType(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic since 8.5 only
    """A time, or a duration such as `7d`, which counts back from now."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant in UTC."""
        back = None if isinstance(value, datetime) else wording.parse_duration(str(value))
        if back is not None:
            return SystemClock().now() - timedelta(milliseconds=back)
        if not isinstance(value, datetime) and wording.parse_instant(str(value)) is None:
            self.fail(
                f"'{value}' is no time such as 2031-05-06, and no duration such as 7d", param, ctx
            )
        return INSTANT.convert(value, param, ctx)


class AssignmentType(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic since 8.5 only
    """`NAME=VALUE`."""

    name = "assignment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Name and value."""
        name, mark, text = str(value).partition("=")
        if not mark or not _NAME.fullmatch(name):
            self.fail(f"'{value}' is not of the form NAME=VALUE", param, ctx)
        return name, text


DURATION, INSTANT, MOMENT = DurationType(), InstantType(), MomentType()
ASSIGNMENT = AssignmentType()
