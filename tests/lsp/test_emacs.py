"""A real Emacs with eglot, in batch mode: mistakes, hover, and a mission run from a code action.

Debian's packages: `scripts/system-packages.sh emacs-nox elpa-eglot` (Emacs 28.2, eglot 1.9).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fake_api import FakeApi
from support.source_tree import EDITORS, fences

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

MISSION = """\
mission Sync {{
  source API {{ auth: none, base: "{url}" }}
  store people: file("people")
  action Fetch {{
    get "/people"
    store response -> people {{ key: .id }}
  }}
}}
"""


def test_emacs_as_documented_shows_mistakes_and_runs_a_mission(tmp_path):
    """Emacs is configured by the very text of the manual."""
    mission, configuration = tmp_path / "sync.vague", tmp_path / "init.el"
    (text,) = fences(EDITORS, "elisp")
    configuration.write_text(text)
    script = Path(__file__).parent / "eglot-session.el"
    with FakeApi().in_thread() as api:
        api.on("GET", "/people", [{"id": n} for n in range(3)])
        mission.write_text(MISSION.format(url=api.url))
        shown = subprocess.run(
            ["emacs", "-Q", "--batch", "-l", str(script), str(mission), str(configuration)],
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "LC_ALL": "C.UTF-8",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=140,
        )
    assert shown.returncode == 0, shown.stderr
    seen = json.loads(shown.stdout)
    (found,) = seen["diagnostics"]
    assert "RQ103" in found
    assert "store people" in seen["hover"]
    assert "Run mission 'Sync'" in seen["actions"]
    assert seen["execution"].startswith("exec_")
    assert any("Sync: completed" in said for said in seen["told"])
