"""Where state is kept when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DEFAULT_STATE_DIR = ".vague-data"
STATE_DIR_VARIABLE = "REQON_STATE_DIR"


def default_state_dir(environ: Mapping[str, str]) -> Path:
    """`REQON_STATE_DIR`, else `.vague-data` in the current folder."""
    return Path(environ.get(STATE_DIR_VARIABLE) or DEFAULT_STATE_DIR)
