"""`python -m reqon` and the installed command `reqon`: start the command line, nothing else."""

from __future__ import annotations

from reqon.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
