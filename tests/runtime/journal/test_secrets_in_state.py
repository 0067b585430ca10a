"""No secret reaches a file of the state folder, and a resume has them all again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from reqon.errors import ConfigError, RefusedError
from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.secrets import SecretRegistry
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import PATIENT, request_for

SECRET = 'tok-"äx"-9876543210'
IN_URL = quote(SECRET, safe="")
STORES = {"a": StoreSpec("file", "a"), "m": StoreSpec("memory", "m")}


def registry(value: str | None = SECRET) -> SecretRegistry:
    book = SecretRegistry()
    book.add("API_TOKEN", value)
    return book


async def begin(root: Path, book: SecretRegistry, mission: str = "M", **options: Any) -> Session:
    given = {"stores": STORES, "program": None, "secrets": book, **options}
    return await open_session(request_for(root, mission, **given), CountingDisk())


async def filled(root: Path, **options: Any) -> Session:
    """A run that puts the secret wherever something is kept."""
    session = await begin(root, registry(), lets={"header": f"Bearer {SECRET}"}, **options)
    unit = session.unit()
    unit.active("Fetch", 1, {"id": SECRET})
    unit.cell("x", {"auth": SECRET, "url": f"https://x/?t={SECRET}&a=1"})
    unit.cell("big", unit.blob([SECRET] * 9000))
    unit.put("m", SECRET, {"key": SECRET})
    unit.checkpoint("Fetch", {"nextUrl": f"https://x/?t={SECRET}"})
    unit.error({"message": f"no answer to {SECRET}"})
    call = await unit.intent("0", "k", {"t": SECRET}, {"path": f"/{SECRET}"})
    await unit.result(call, 200, {"t": SECRET})
    await unit.intent("1", "k1", f'{{"t":"{in_json(SECRET)}"}}', {"path": "/"})
    await unit.intent("2", "k2", f"t={IN_URL}", {"path": "/"})
    unit.put("a", "k", {"note": f"told {SECRET}"})
    await unit.commit("c", Barrier.SYNC)
    return session


def places_with_secret(root: Path) -> list[str]:
    forms = [form.encode() for form in (SECRET, in_json(SECRET), in_json(in_json(SECRET)), IN_URL)]
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


def in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


@pytest.mark.parametrize("grow_bytes", [1, 1 << 24])
async def test_no_file_but_the_users_own_store_has_it(tmp_path: Path, grow_bytes: int) -> None:
    session = await filled(
        tmp_path, timing=type(PATIENT)(batch=9e9, tick=9e9, grow_bytes=grow_bytes)
    )
    await session.materialise()
    assert places_with_secret(tmp_path) == ["stores/a.json"]
    await session.close()
    session = await begin(tmp_path, registry(), resume=ResumeChoice.IF_ANY)
    unit = session.unit()
    assert session.state.cells["x"] == {"auth": SECRET, "url": f"https://x/?t={SECRET}&a=1"}
    assert unit.load_blob(session.state.cells["big"]) == [SECRET] * 9000
    assert dict(session.stores["m"].items()) == {SECRET: {"key": SECRET}}
    assert session.state.lets == {"header": f"Bearer {SECRET}"}
    assert session.stores["a"].get("k") == {"note": f"told {SECRET}"}
    await session.finish("failed", error={"message": SECRET})
    await session.close()
    assert places_with_secret(tmp_path) == ["stores/a.json"]


async def test_a_rotated_secret_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    session = await filled(tmp_path)
    await session.close()
    session = await begin(tmp_path, registry("a-new-token-123"), resume=ResumeChoice.IF_ANY)
    assert session.state.cells["x"]["auth"] == "a-new-token-123"
    await session.close()


async def test_a_secret_that_is_missing_is_asked_for_by_name(tmp_path: Path) -> None:
    session = await filled(tmp_path)
    await session.close()
    with pytest.raises(ConfigError, match="'API_TOKEN'"):
        await begin(tmp_path, registry(None), resume=ResumeChoice.IF_ANY)


async def test_another_mission_never_writes_a_name_in_a_secrets_place(tmp_path: Path) -> None:
    session = await filled(tmp_path)
    await session.close()
    with pytest.raises(RefusedError, match=r"'API_TOKEN'.*has still to write") as caught:
        await begin(tmp_path, registry(None), "Other")
    assert "resume or clean up" in str(caught.value.hint)
    other = await begin(tmp_path, registry(), "Other")
    assert other.stores["a"].get("k") == {"note": f"told {SECRET}"}
    await other.close()


async def test_redacted_paths_are_left_out_of_the_record(tmp_path: Path) -> None:
    session = await begin(tmp_path, registry(), redact=("email",))
    unit = session.unit()
    item = {"id": "x" * 300, "email": "a@b.c", "n": 1, "list": [1], "object": {}}
    unit.active("Fetch", 3, item)
    await unit.commit("c", Barrier.FRAME)
    assert session.record()["activeStep"] == {
        "action": "Fetch",
        "index": 3,
        "item": {"id": "x" * 200, "n": 1},
    }
    await session.close()
