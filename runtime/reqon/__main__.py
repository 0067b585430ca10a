"""`python -m reqon` and the installed command `reqon`: start the command line, nothing else.

Until the command is loaded, Ctrl-C ends the process at once with exit code 130.
"""

from __future__ import annotations

import sys

from reqon.leaving import leave_on_interrupt

if "reqon.cli.main" not in sys.modules:  # else another program has loaded it: its signals stay
    leave_on_interrupt()

from reqon.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
