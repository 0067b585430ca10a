"""A real Neovim, without a window: the server serves clients that know little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_neovim_shows_the_mistakes_of_a_mission(tmp_path):
    mission = tmp_path / "sync.vague"
    mission.write_text('mission Sync {\n  stateRetention: 7\n  store s: file("s")\n}\n')
    out = tmp_path / "seen.json"
    probe = Path(__file__).parent / "nvim-probe.lua"
    subprocess.run(
        ["nvim", "--headless", "--clean", "-n", "-S", str(probe), str(mission)],
        env={
            **os.environ,
            "SERVER_CMD": f"{sys.executable} -m reqon_lsp",
            "PROBE_LANGUAGE": "reqon",
            "PROBE_OUT": str(out),
            "HOME": str(tmp_path),
        },
        check=True,
        timeout=50,
    )
    seen = json.loads(out.read_text())
    (found,) = seen["diagnostics"].values()
    assert [each["code"] for each in found] == ["RQ104", "RQ309", "RQ402"]
    assert found[1]["range"]["start"] == {"line": 1, "character": 18}
    assert seen["errors"] == []
