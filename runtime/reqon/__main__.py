"""`python -m reqon` and the installed command `reqon`: start the command line, nothing else.

Until the command line is loaded, Ctrl-C ends the process by the system's own means: an interrupt
in the middle of an import would show a traceback to a person who only changed their mind.
"""

from __future__ import annotations

import signal
import sys

_LOADED_BY_OTHERS = "reqon.cli.main" in sys.modules
if not _LOADED_BY_OTHERS:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from reqon.cli.main import main  # noqa: E402 - see above

if not _LOADED_BY_OTHERS:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["main"]

if __name__ == "__main__":
    main()
