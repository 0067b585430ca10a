"""The state of a run and the fold of its journal are the same thing, whatever was done."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.journal.session import Barrier, ResumeChoice, Session, Unit, open_session
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import PATIENT, request_for

STORES = {"file": StoreSpec("file", "f"), "memory": StoreSpec("memory", "m")}

stores = st.sampled_from(sorted(STORES))
keys = st.sampled_from("abc")
addresses = st.sampled_from(["0", "0/a", "0/a/b", "0/a/b/c", "1", "1/a", "10"])
actions = st.sampled_from(["Fetch", "Push"])
instants = st.integers(1, 28).map(lambda day: f"2024-01-{day:02}T00:00:00Z")

steps = st.one_of(
    st.tuples(st.just("put"), stores, keys, st.integers(0, 2)),
    st.tuples(st.just("delete"), stores, keys),
    st.tuples(st.just("clear"), stores),
    st.tuples(st.just("cell"), addresses, st.none() | st.integers(0, 3)),
    st.tuples(st.just("active"), actions, st.integers(0, 5)),
    st.tuples(st.just("checkpoint"), actions, st.integers(0, 9)),
    st.tuples(st.just("count"), actions),
    st.tuples(st.just("done"), actions),
    st.tuples(st.just("stage"), st.integers(0, 2), actions),
    st.tuples(st.just("sync"), st.sampled_from(["k1", "k2"]), actions, instants),
    st.tuples(st.just("publish"), actions),
    st.tuples(st.just("since"), st.sampled_from(["k1", "k2"])),
    st.tuples(st.just("warn")),
    st.tuples(st.just("error")),
    st.tuples(st.just("intent"), st.sampled_from(["p1", "p2"])),
    st.tuples(st.just("result"), st.sampled_from(["p1", "p2"])),
    st.tuples(st.just("commit"), st.sampled_from(list(Barrier))),
    st.tuples(st.just("discard")),
    st.tuples(st.just("materialise")),
    st.tuples(st.just("resume")),
)


async def do(session: Session, unit: Unit, step: Any) -> None:
    match step:
        case ("put", store, key, n):
            unit.put(store, key, {"n": n})
        case ("delete", store, key):
            unit.delete(store, key)
        case ("clear", store):
            unit.clear(store)
        case ("cell", address, value):
            unit.cell(address, value)
        case ("active", action, index):
            unit.active(action, index, {"id": index})
        case ("checkpoint", action, page):
            unit.checkpoint(action, {"page": page})
        case ("count", action):
            unit.count_items(action)
        case ("done", action):
            unit.action_done(action)
        case ("stage", index, action):
            unit.stage(index, "running", {action: "running"})
        case ("sync", key, action, moment):
            unit.sync(key, action, moment, 1)
        case ("publish", action):
            unit.publish_sync(action)
        case ("since", key):
            session.sync_checkpoint(key)
        case ("warn",):
            unit.warn()
        case ("error",):
            unit.error({"message": "no"})
        case ("intent", position):
            await unit.intent(position, "key", {"b": 1}, {})
        case ("result", position):
            call = unit.recorded(position, "key")
            if call is not None:
                await unit.result(call, 200, {"ok": True})
                unit.settle(call)
        case ("commit", barrier):
            await unit.commit("c", barrier)
        case ("discard",):
            unit.discard()
        case _:
            await session.materialise()


def facts(session: Session) -> dict[str, Any]:
    """All that a resume depends on, but for what the attempt itself changes."""
    state = session.state
    base = copy.deepcopy(msgspec.structs.asdict(state.to_base({})))
    base["cells"] = sorted(base["cells"])
    base["calls"] = sorted(base["calls"], key=lambda call: call["position"])
    del base["attempts"]
    summary = copy.deepcopy(msgspec.structs.asdict(state.summary))
    del summary["active"]
    data = {name: list(store.items()) for name, store in session.stores.items()}
    return {"base": base, "summary": summary, "data": data, "number": state.last_number}


async def opened(root: Path, grow_bytes: int) -> Session:
    timing = replace(PATIENT, grow_bytes=grow_bytes)
    options: dict[str, Any] = {"stores": STORES, "program": None, "timing": timing}
    request = request_for(root, "M", resume=ResumeChoice.IF_ANY, **options)
    return await open_session(request, CountingDisk())


async def check(root: Path, script: list[Any], grow_bytes: int) -> None:
    session = await opened(root, grow_bytes)
    unit = session.unit()
    for step in [*script, ("resume",)]:
        if step != ("resume",):
            await do(session, unit, step)
            continue
        unit.discard()
        await unit.commit("c", Barrier.FRAME)
        session._ledger.flush()
        expected = facts(session)
        await session.close()
        session = await opened(root, grow_bytes)
        found = facts(session)
        assert found.pop("number") > expected.pop("number")
        for key in expected["base"]["since"].keys() - found["base"]["since"].keys():
            del expected["base"]["since"][key]  # asked for, but nothing was committed after it
        assert found == expected
        unit = session.unit()
    await session.close()


@settings(deadline=None)
@given(st.lists(steps, max_size=40), st.sampled_from([1, 1 << 24]))
def test_a_resume_finds_what_the_run_had(script: list[Any], grow_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder) / "state", script, grow_bytes))
