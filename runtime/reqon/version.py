"""The version of this distribution."""

from __future__ import annotations

import importlib.metadata

VERSION = importlib.metadata.version("reqon")
