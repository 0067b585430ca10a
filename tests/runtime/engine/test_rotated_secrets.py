"""A secret in the body of a request is another one when the run is resumed.

The service keeps keys as the IETF draft says: the same key with another body is refused with 422.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reqon.engine.run import ResumeChoice
from support.fake_api import DROP, Asked, status
from support.missions import Lab, lab

TEXT = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A {
    post "/login" { body: { password: env("A_PASSWORD") } }
    store { id: "login", ok: response.ok } -> out
  }
  run A
}
"""
OLD, NEW = "the-old-password", "the-new-password"


class Service:
    """Knows its keys. Takes the `right` password; so many first answers it `loses`."""

    def __init__(self, world: Lab, right: str, *, loses: int = 0) -> None:
        self.bodies: dict[str, Any] = {}
        self._right = right
        self._loses = loses
        world.api.on("POST", "/login", self._answer)

    def _answer(self, asked: Asked) -> Any:
        key = asked.header("Idempotency-Key")
        assert key is not None
        if self.bodies.setdefault(key, asked.json) != asked.json:
            return status(422)
        if self._loses:
            self._loses -= 1
            return DROP
        return status(201 if asked.json["password"] == self._right else 401)


async def test_a_refused_request_with_a_corrected_secret_is_another_one(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        service = Service(world, NEW)
        world.environ["A_PASSWORD"] = OLD
        refused = await world.run(TEXT)
        assert refused.record["errors"][-1]["code"] == 401
        world.environ["A_PASSWORD"] = NEW
        result = await world.run(TEXT, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert [body["password"] for body in service.bodies.values()] == [OLD, NEW]
    assert not [secret for secret in (OLD, NEW) if secret in world.texts()]


@pytest.mark.parametrize(
    ("unknown", "passwords", "stored"),
    [("resend", [OLD, NEW], True), ("skip", [OLD], False)],
)
async def test_who_resumes_decides_where_the_first_answer_was_lost(
    tmp_path: Path, unknown: str, passwords: list[str], stored: bool
) -> None:
    async with lab(tmp_path) as world:
        service = Service(world, NEW, loses=1)
        world.environ["A_PASSWORD"] = OLD
        assert (await world.run(TEXT)).status == "failed"
        world.environ["A_PASSWORD"] = NEW
        for _ in range(2):
            result = await world.run(TEXT, resume=ResumeChoice.IF_ANY)
            assert result.status == "failed"
            assert result.error is not None
            assert "refused with 422 now: a secret in its body may have changed" in str(
                result.error
            )
            assert "--unknown resend" in (result.error.hint or "")
            assert [body["password"] for body in service.bodies.values()] == [OLD]
            (effect,) = result.record["unknownEffects"]
            assert effect["method"] == "POST"
        result = await world.run(TEXT, resume=ResumeChoice.IF_ANY, unknown=unknown)
        assert result.status == "completed", result.error
        assert [body["password"] for body in service.bodies.values()] == passwords
        assert [record.get("ok") for record in world.store("out")] == [stored]


async def test_the_same_secret_is_sent_again_under_the_same_key(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        service = Service(world, OLD, loses=1)
        world.environ["A_PASSWORD"] = OLD
        assert (await world.run(TEXT)).status == "failed"
        result = await world.run(TEXT, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert len(service.bodies) == 1
