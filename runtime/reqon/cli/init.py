"""`reqon init`: writes an example mission and what belongs around it, never over existing files."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import click

from reqon.cli import console
from reqon.cli.invocation import ReqonCommand
from reqon.errors import ConfigError
from reqon.state_folder import DEFAULT_STATE_DIR

_IGNORE = f"{DEFAULT_STATE_DIR}/\n.env\n"
_WORKFLOW = """\
# Checks the missions at each push. To run one by schedule, add a job that calls
# `reqon missions/ --resume` and keeps `.vague-data` between runs (for instance with a cache).
name: missions
on: [push, pull_request]
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: { python-version: "3.12" }
      - run: pip install reqon
      - run: reqon check missions/ --format github
      - run: reqon fmt --check missions/
"""

EPILOG = """\b
Example:
  reqon init my-sync && cd my-sync && reqon check missions/
"""


@click.command("init", cls=ReqonCommand, epilog=EPILOG)
@click.argument("folder", default=".", metavar="[DIR]")
def command(folder: str) -> None:
    """Write a commented example mission, `.gitignore` lines and a CI job to start from.

    Files that exist already stay as they are.
    """
    root = Path(folder)
    if root.exists() and not root.is_dir():
        raise ConfigError(f"'{folder}' is not a folder", hint="name a folder, which may be new")
    _write(root / "missions" / "customer_sync.vague", example_mission())
    _write(root / ".github" / "workflows" / "missions.yml", _WORKFLOW)
    _add_ignore_lines(root / ".gitignore")
    console.show()
    console.show("next:  reqon demo --serve           a service to try it with, in one terminal")
    console.show(f"       reqon {root / 'missions'}              run it, in another")


def example_mission() -> str:
    """The text of the example that ships with Reqon."""
    folder = importlib.resources.files("reqon.demo") / "quickstart"
    return (folder / "customer_sync.vague").read_text("utf-8")


def _write(path: Path, text: str) -> None:
    if path.exists():
        console.show(f"kept    {path}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    console.show(f"wrote   {path}")


def _add_ignore_lines(path: Path) -> None:
    present = path.read_text("utf-8").splitlines() if path.exists() else []
    missing = [line for line in _IGNORE.splitlines() if line not in present]
    if not missing:
        console.show(f"kept    {path}")
        return
    lines = [*present, *missing]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    console.show(f"{'changed' if present else 'wrote  '} {path}")
