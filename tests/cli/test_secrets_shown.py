"""No part of a secret is shown or kept, whatever goes wrong with a value that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.service import Answer, serving

SECRET = 'eyJhbGciOiJIUzI1NiJ9/"' + "0123456789abcdef" * 6
PAD = "x" * 150
ESCAPED = SECRET.replace('"', '\\\\\\"')
MISSION = """
mission M {{
  let token = env("API_TOKEN")
  source Api {{ auth: none, base: "{base}" }}
  store kept: file("kept")
  action A {{
    {steps}
  }}
  run A
}}
"""


@pytest.mark.parametrize(
    "steps",
    [
        "let day = parseDate(token)",  # a warning, and the value cut after 60 characters
        "for part in token { let a = part }",  # an error: the last line of JSON, the report
        "store { id: [token] } -> kept { key: .id }",
        f'for x in [{{ id: concat("{PAD}", token) }}] {{ abort "here" }}',  # cut after 200
        'get "/page"',  # a reply that is no JSON: what it begins with is shown
        'get "/half"',  # or what stands around the place
        'get "/refused"',  # a request that comes back as a text in JSON
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_part_of_a_secret_is_shown_or_kept(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch, steps: str, form: str
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    with serving(
        page=Answer(f"<html>{PAD}{SECRET}</html>".encode()),
        half=Answer(f'{{"a": "{SECRET}'.encode()),
        refused=Answer(f'{{"error": "no: {{\\"t\\": \\"{ESCAPED}\\"}}"}}'.encode(), 400),
    ) as service:
        program = MISSION.format(base=service.address, steps=steps)
        (own_folder / "m.vague").write_text(program)
        shown = reqon("m.vague", "--format", form, "--report", "report.xml")
        status = reqon("status", "M")
    files = [path for path in own_folder.rglob("*") if path.is_file() and path.suffix != ".vague"]
    texts = [shown.output, status.output, *(path.read_text("utf-8") for path in files)]
    assert shown.exit_code in (0, 1)
    for text in texts:
        assert "eyJhbGci" not in text
        assert "789abcdef0123" not in text
