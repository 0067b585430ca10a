"""One distribution, installed as users do: both commands work without anything of this checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from support.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A virtual environment with the built wheel in it, and an empty folder beside."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "venv", with_pip=True)
    wheels = place / "wheels"
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, ROOT, cwd=place)
    (wheel,) = wheels.glob("reqon-*.whl")
    run(place / "venv/bin/python", "-m", "pip", "install", "-q", wheel, cwd=place)
    return place


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_answer(environment):
    reqon = environment / "venv/bin/reqon"
    assert "Usage: reqon" in run(reqon, "--help", cwd=environment)
    version = run(reqon, "--version", cwd=environment)
    server = run(environment / "venv/bin/reqon-lsp", "--version", cwd=environment)
    assert version.split()[1] == server.split()[1]


def test_what_the_distribution_brings_is_complete(environment):
    reqon = environment / "venv/bin/reqon"
    run(reqon, "init", "first", cwd=environment)
    run(reqon, "check", "first/missions", cwd=environment)
    run(reqon, "fmt", "--check", "first/missions", cwd=environment)
    script = (
        "import reqon, vague.peg, vague.checker, reqon_lsp.server, importlib.resources as r; "
        "print(sum(1 for page in r.files('vague.pages').iterdir() if page.name.endswith('.md')))"
    )
    pages = run(environment / "venv/bin/python", "-I", "-c", script, cwd=environment)
    assert int(pages) > 80
