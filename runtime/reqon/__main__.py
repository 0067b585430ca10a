"""`python -m reqon` and the installed command `reqon`: start the command line, nothing else.

Until the command is loaded, Ctrl-C ends the process at once with exit code 130.
"""

from __future__ import annotations

import sys

from reqon.leaving import leave, leave_on_signals

if "reqon.cli.main" not in sys.modules:  # else another program has loaded it: its signals stay
    leave_on_signals()

from reqon.cli import main as command_line

__all__ = ["main"]


def main() -> None:
    """Run the command and leave with its exit code."""
    try:
        command_line.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        leave(end.code or 0)


if __name__ == "__main__":
    main()
