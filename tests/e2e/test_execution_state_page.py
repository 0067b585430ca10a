"""`docs/execution-state.md` is done line by line, in a new folder, as a reader would.

Programs of the page are written, commands run in a shell with the real `reqon`, Python in a process
of its own, and JSON that is shown must be in the record. A comment `# exit N` behind a command is the
exit code that it must have, `# exit N: words` also words that it must say; else it is 0.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.service import Answer, Service, serving
from support.source_tree import ROOT

PAGE = (ROOT / "docs/execution-state.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exit (\d+)(?:: (.*))?$")

pytestmark = [pytest.mark.slow, pytest.mark.docs]


@pytest.fixture
def service() -> Iterator[Service]:
    items = [{"id": f"cust_{number}", "name": f"Name {number}"} for number in range(1, 601)]
    with serving(customers=Answer([])) as service:
        answer = service.answers["/customers"]

        def turn() -> None:
            match = re.search(r"[?&]page=(\d+)", service.asked[-1])
            page = int(match[1]) if match else 1
            answer.body = items[(page - 1) * 100 : page * 100]

        answer.before = turn
        yield service


class Reader:
    """Somebody who reads the page and does what it says."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        tools = Path(sys.executable).parent
        self.env = {
            **os.environ,
            "API_URL": url,
            "NO_COLOR": "1",
            "COLUMNS": "80",
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        }
        self.env.pop("REQON_STATE_DIR", None)

    def do(self, language: str, code: str) -> None:
        if language == "vague":
            (self.folder / "missions").mkdir()
            (self.folder / "missions/customer_sync.vague").write_text(code)
        elif language == "bash":
            for line in code.splitlines():
                self.run(line)
        elif language == "python":
            shown = self.process([sys.executable, "-c", code])
            assert shown.returncode == 0, shown
            assert "Starting: FetchCustomers" in shown.stdout
            assert "Progress: 600/600" in shown.stdout
        elif language == "json":
            (record,) = (self.folder / ".vague-data/execution").glob("CustomerSync-*.json")
            assert_within(json.loads(code), json.loads(record.read_text()))
        elif language == "yaml":
            assert "run: reqon ./missions/ --resume" in code, "for a CI, which is not here"
        else:
            raise AssertionError(f"nobody knows what to do with {language}")

    def run(self, line: str) -> None:
        found = EXIT.search(line)
        wanted, words = (int(found[1]), found[2]) if found else (0, None)
        shown = self.process(["sh", "-c", EXIT.sub("", line)])
        assert shown.returncode == wanted, f"{line}\n{shown.stdout}{shown.stderr}"
        assert "Traceback" not in shown.stderr
        assert words is None or words in shown.stderr, shown.stderr
        if re.match(r"reqon (status|history|state)\b", line):
            assert [text for text in shown.stdout.splitlines() if len(text) > 80] == []

    def process(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )


def assert_within(shown: Any, found: Any) -> None:
    """What is shown is there, and as it is shown."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_within(value, found[name])
    else:
        assert shown == found


@pytest.mark.timeout(300)
def test_the_page_does_what_it_says(tmp_path: Path, service: Service) -> None:
    reader = Reader(tmp_path, service.address)
    for language, code in FENCES:
        reader.do(language, code)
    assert {language for language, _ in FENCES} == {"vague", "bash", "python", "json", "yaml"}
