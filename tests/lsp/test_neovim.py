"""A real Neovim, without a window: the server serves clients that know little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fake_api import FakeApi
from support.source_tree import EDITORS, fences

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


RUNNABLE = """\
mission Sync {{
  source API {{ auth: none, base: "{url}" }}
  store people: file("people")
  action Fetch {{
    get "/people"
    store response -> people {{ key: .id }}
  }}
}}
"""


@pytest.mark.timeout(300)
def test_neovim_as_documented_runs_a_mission_by_its_lens_and_shows_the_new_status(tmp_path):
    """The client is started by the very text of the manual."""
    mission, out, init = (tmp_path / name for name in ("sync.vague", "seen.json", "init.lua"))
    init.write_text(fences(EDITORS, "lua")[1])
    script = Path(__file__).parent / "nvim-run.lua"
    with FakeApi().in_thread() as api:
        api.on("GET", "/people", [{"id": n} for n in range(1204)])
        mission.write_text(RUNNABLE.format(url=api.url))
        subprocess.run(
            [
                *("nvim", "--headless", "--clean", "-n", "-u", str(init)),
                *("-S", str(script), str(mission)),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "SESSION_OUT": str(out),
                "HOME": str(tmp_path),
            },
            check=True,
            timeout=100,
        )
    seen = json.loads(out.read_text())
    assert seen["before"] == ["Run", "Dry run", "History"]
    assert seen["diagnostics"] == ["RQ103"]
    assert seen["told"] == ["Sync: completed"]
    *lenses, status = seen["after"]
    assert lenses == ["Run", "Dry run", "History"]
    assert status.startswith("✓ ")
    assert "· 1,204 rec ·" in status
    assert (tmp_path / ".vague-data" / "stores" / "people.json").exists()


def test_the_documented_configuration_of_a_newer_neovim_is_lua(tmp_path):
    """Only the older one is a package here: of the newer one's text the syntax is checked."""
    (tmp_path / "new.lua").write_text(fences(EDITORS, "lua")[0])
    script = tmp_path / "check.lua"
    script.write_text(
        'local read, reason = loadfile("new.lua")\n'
        'io.stdout:write(read and "it is Lua" or reason)\nvim.cmd("qall!")\n'
    )
    shown = subprocess.run(
        ["nvim", "--headless", "--clean", "-n", "-S", str(script)],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert "it is Lua" in shown.stdout + shown.stderr
