"""For the authors of state stores: does a store do what Reqon expects of it?

    from reqon.testing import check_state_store

    def test_my_store() -> None:
        check_state_store(MyStore)

`save` and `load` are checked always, all other methods where they are there: `list`, `delete`,
`append` with `read` and `append_all`, `acquire` with `renew` and `release`. Nothing here is used
by a run.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import Any

from reqon.state_stores.protocol import JournalFrame, State, StateStore

_LEASE_SECONDS = 30.0
_SHORT_SECONDS = 0.05
_RENEWED_SECONDS = 1.0
_MANY, _VERY_MANY = 120, 1_200
"""More than a page of a hundred, and of a thousand, which databases like to give."""
_PATIENCE = 100
"""So many looks at a lease that has run out, one each twentieth of a second."""


def check_state_store(factory: Callable[[], StateStore]) -> None:
    """Check stores that `factory` makes, an empty one each time; AssertionError says what fails.

    Raises RuntimeError in a running event loop: await `check_state_store_async` there.
    """
    with asyncio.Runner() as runner:
        runner.run(check_state_store_async(factory))


async def check_state_store_async(factory: Callable[[], StateStore]) -> None:
    """The same for tests with an event loop."""
    for check in _ALWAYS:
        await check(factory())
    for needed, checks in _OPTIONAL:
        for check in checks:
            if all(hasattr(factory(), name) for name in needed):
                await check(factory())


def example_state(execution_id: str, mission: str = "Sync", **fields: Any) -> State:
    """A state such as `save` gets; `fields` are put over it."""
    state: State = {
        "executionId": execution_id,
        "mission": mission,
        "startedAt": "2031-05-06T07:08:09.123Z",
        "status": "running",
        "actionsRun": ["Fetch"],
        "activeStep": {"action": "Store", "index": 523, "item": {"id": "cust_524", "name": "Zoë"}},
        "errors": [],
        "stores": {"customers": {"count": 1523, "added": 42, "updated": 18, "unchanged": 0}},
        "progress": {"current": 523, "total": None},
        "seq": 7,
        "resume": {"frame": '24 0a1b2c3d {"n":7,"text":"\\u0000 ☃"}', "blobs": {"b0": "[1.50]"}},
    }
    return {**state, **fields}


def example_frame(seq: int, **fields: Any) -> JournalFrame:
    """A frame such as `append` gets."""
    return {"frame": f'20 0a1b2c3d {{"n":{seq},"k":"c"}}', **fields}


# ---------------------------------------------------------------- save and load


async def _keeps_values(store: StateStore) -> None:
    state = example_state("exec_1", text="ß ☃ \U0001f600 \\ \" '", big=2**60, none=None, f=0.5)
    await _call(store.save(state))
    found = await _call(store.load("exec_1"))
    assert found == state, "load gives back exactly what was saved"
    assert json.dumps(found), "load gives back plain JSON values"
    assert isinstance(found["big"], int), "numbers stay numbers of the same kind"
    assert await _call(store.load("exec_2")) is None, "load of an unknown id gives None"


async def _replaces(store: StateStore) -> None:
    await _call(store.save(example_state("exec_1")))
    later = example_state("exec_1", status="completed")
    del later["resume"]
    await _call(store.save(later))
    found = await _call(store.load("exec_1"))
    assert found == later, "a later state replaces an earlier one of the same id, all of it"


async def _keeps_apart(store: StateStore) -> None:
    names = {f"exec_{number}": f"Mission{number}" for number in range(8)}
    await asyncio.gather(*(_call(store.save(example_state(i, m))) for i, m in names.items()))
    for execution_id, mission in names.items():
        found = await _call(store.load(execution_id))
        assert found is not None, "what was saved at the same time as others is there"
        assert found["mission"] == mission, "executions are kept apart by their id"


async def _is_not_shared(store: StateStore) -> None:
    state = example_state("exec_1")
    await _call(store.save(state))
    state["status"] = "failed"
    state["errors"].append({"message": "later"})
    found = await _call(store.load("exec_1"))
    assert found["status"] == "running", "what is saved stays as it was when it was saved"
    assert found["errors"] == [], "what is saved stays as it was when it was saved, deeply"


async def _takes_many(store: StateStore) -> None:
    for index in range(50):
        await _call(store.save(example_state("exec_1", seq=index)))
    found = await _call(store.load("exec_1"))
    assert found["seq"] == 49, "of many states the last one is kept"


async def _keeps_large(store: StateStore) -> None:
    blobs = {f"b{number}": "[" + "12345678," * 30_000 + "0]" for number in range(8)}
    state = example_state("exec_1", resume={"frame": "x" * 500_000, "blobs": blobs})
    await _call(store.save(state))
    found = await _call(store.load("exec_1"))
    assert found == state, "a state of some megabytes is kept whole"


# ---------------------------------------------------------------- list and delete


async def _lists(store: Any) -> None:
    for number in (1, 2, 3, 1, 2, 3, 1):
        started = f"2031-05-0{number}T00:00:00Z"
        status = "failed" if number == 2 else "completed"
        await _call(store.save(example_state(f"exec_{number}", startedAt=started)))
        await _call(store.save(example_state(f"exec_{number}", startedAt=started, status=status)))
    await _call(store.save(example_state("exec_other", "Other", startedAt="2031-05-02T01:00:00Z")))
    for arguments, wanted in (
        (("Sync", None, None), ["exec_3", "exec_2", "exec_1"]),
        (("Sync", 2, None), ["exec_3", "exec_2"]),
        (("Sync", None, "failed"), ["exec_2"]),
        (("Sync", 1, "completed"), ["exec_3"]),
        (("Sync", None, "running"), []),
        (("Nothing", None, None), []),
    ):
        found = [state["executionId"] for state in await _call(store.list(*arguments))]
        assert found == wanted, (
            f"list{arguments} gives {wanted}: newest start first, each once; found {found}"
        )
    found = await _call(store.list("Sync", 1, None))
    assert found[0] == await _call(store.load("exec_3")), "list gives whole states"


async def _tells_missions_apart(store: Any) -> None:
    for mission in ("Sync", "sync", "Sync2", "S_nc"):
        await _call(store.save(example_state(f"exec_{mission}", mission)))
    for mission in ("Sync", "sync", "S_nc"):
        found = [state["mission"] for state in await _call(store.list(mission, None, None))]
        assert found == [mission], (
            f"list('{mission}', None, None) gives executions of this mission only; found {found}"
        )


async def _lists_all(store: Any) -> None:
    for number in range(_MANY):
        await _call(store.save(example_state(f"exec_{number}")))
    found = await _call(store.list("Sync", None, None))
    assert len(list(found)) == _MANY, f"without a limit list gives all {_MANY:,} states"


async def _deletes(store: Any) -> None:
    await _call(store.save(example_state("exec_1")))
    await _call(store.save(example_state("exec_2")))
    await _call(store.delete("exec_1"))
    await _call(store.delete("exec_unknown"))
    assert await _call(store.load("exec_1")) is None, "what is deleted is gone"
    assert await _call(store.load("exec_2")) is not None, "delete takes one execution only"
    found = [state["executionId"] for state in await _call(store.list("Sync", None, None))]
    assert found == ["exec_2"], "what is deleted is not listed"


async def _deletes_frames(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    await _call(store.append("exec_1", 1, example_frame(1)))
    await _call(store.delete("exec_1"))
    assert await _frames(store, "exec_1") == [], "frames go with their execution"


# ---------------------------------------------------------------- append and read


async def _appends(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    frames = {seq: example_frame(seq, blobs={"b": '["☃"]'}) for seq in range(1, 13)}
    for seq, frame in frames.items():
        assert await _call(store.append("exec_1", seq, frame)) is not False, "a frame is taken"
    await _call(store.append("exec_2", 1, example_frame(99)))
    assert await _frames(store, "exec_1") == list(frames.values()), (
        "read gives the frames of one execution in the order of their numbers, unchanged"
    )
    assert await _frames(store, "exec_1", 11) == [frames[11], frames[12]], (
        "read begins with the number it is given"
    )
    assert await _frames(store, "exec_1", 13) == [], "behind the last frame there is none"
    assert await _frames(store, "exec_unknown") == [], "an unknown execution has no frames"


async def _reads_all(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    for seq in range(1, _MANY + 1):
        await _call(store.append("exec_1", seq, example_frame(seq)))
    assert len(await _frames(store, "exec_1")) == _MANY, f"read gives all of {_MANY:,} frames"


async def _reads_all_together(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    for first in range(1, _VERY_MANY, _MANY):
        part = [(seq, example_frame(seq)) for seq in range(first, first + _MANY)]
        await _call(store.append_all("exec_1", part))
    found = await _frames(store, "exec_1")
    assert len(found) == _VERY_MANY, f"read gives all of {_VERY_MANY:,} frames"


async def _appends_together(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    frames = [(seq, example_frame(seq)) for seq in range(1, 7)]
    await _call(store.append("exec_1", *frames[0]))
    for part in (frames[1:4], frames[1:4], frames[4:]):
        assert await _call(store.append_all("exec_1", part)) is not False, (
            "frames are taken together, and the same again"
        )
    other = [(2, example_frame(2, other=True)), (3, example_frame(3))]
    assert await _answer(store.append_all, "exec_1", other) is False, (
        "frames are refused where another one has the number of the first"
    )
    assert await _frames(store, "exec_1", 3) == [frame for _, frame in frames[2:]], (
        "read gives frames one by one, however they came"
    )
    await _call(store.save(example_state("exec_1", seq=2)))
    assert await _frames(store, "exec_1", 3) == [frame for _, frame in frames[2:]], (
        "save may drop frames up to its 'seq' only, of those that came together too"
    )


async def _frames_survive_a_save(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    for seq in (1, 2, 3):
        await _call(store.append("exec_1", seq, example_frame(seq)))
    await _call(store.save(example_state("exec_1", seq=2)))
    assert await _frames(store, "exec_1", 3) == [example_frame(3)], (
        "save may drop frames up to its 'seq' only"
    )


async def _refuses_other_frames(store: Any) -> None:
    await _call(store.save(example_state("exec_1", seq=0)))
    await _call(store.append("exec_1", 1, example_frame(1)))
    again = await _answer(store.append, "exec_1", 1, example_frame(1))
    assert again is not False, "the same frame again is fine: the answer to it was lost"
    other = await _answer(store.append, "exec_1", 1, example_frame(1, other=True))
    assert other is False, "another frame under a number that is taken is refused"
    assert await _frames(store, "exec_1") == [example_frame(1)], "and the first one stays"


# ---------------------------------------------------------------- leases


async def _lends_once(store: Any) -> None:
    epoch = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    assert isinstance(epoch, int), "acquire gives an epoch, a whole number"
    there = await _call(store.acquire("Sync", "there", _LEASE_SECONDS))
    assert there is None, "what is lent is not lent again"
    assert await _call(store.acquire("Other", "there", _LEASE_SECONDS)) is not None, (
        "each mission is lent by itself"
    )
    assert await _call(store.renew("Sync", epoch, _LEASE_SECONDS)) is not False, (
        "who holds a lease can renew it"
    )
    await _call(store.release("Sync", epoch))
    later = await _call(store.acquire("Sync", "there", _LEASE_SECONDS))
    assert later is not None, "what was given back can be lent again"
    assert later > epoch, "each lease has a higher epoch than the one before"
    assert await _call(store.renew("Sync", epoch, _LEASE_SECONDS)) is False, (
        "a lease that another has now cannot be renewed"
    )
    await _call(store.release("Sync", epoch))
    assert await _call(store.acquire("Sync", "here", _LEASE_SECONDS)) is None, (
        "who has lost a lease cannot give back that of another"
    )


async def _lends_to_the_same_owner(store: Any) -> None:
    epoch = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    again = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    assert again is not None, "the same owner gets it at once: its earlier process died"
    assert again > epoch, "with a higher epoch"
    assert await _call(store.renew("Sync", epoch, _LEASE_SECONDS)) is False, (
        "and the earlier lease is over"
    )


async def _lends_what_ran_out(store: Any) -> None:
    epoch = await _call(store.acquire("Sync", "here", _SHORT_SECONDS))
    for _ in range(_PATIENCE):
        later = await _call(store.acquire("Sync", "there", _LEASE_SECONDS))
        if later is not None:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("a lease that ran out can be taken by another owner")
    assert later > epoch, "each lease has a higher epoch than the one before"


async def _lends_for_seconds(store: Any) -> None:
    await _call(store.acquire("Other", "here", _LEASE_SECONDS))
    epoch = await _call(store.acquire("Sync", "here", _RENEWED_SECONDS))
    await _call(store.renew("Sync", epoch, _LEASE_SECONDS))
    await asyncio.sleep(1.5 * _RENEWED_SECONDS)
    assert await _call(store.acquire("Sync", "there", _LEASE_SECONDS)) is None, (
        "renew lends for so many seconds from now on"
    )
    assert await _call(store.acquire("Other", "there", _LEASE_SECONDS)) is None, (
        "acquire lends for so many seconds"
    )


async def _is_lent_to_one_of_many(store: Any) -> None:
    owners = [f"owner{number}" for number in range(10)]
    taken = await asyncio.gather(
        *(_call(store.acquire("Sync", owner, _LEASE_SECONDS)) for owner in owners)
    )
    lent = [epoch for epoch in taken if epoch is not None]
    assert len(lent) == 1, f"of many that ask at once one gets the lease; {len(lent)} did"


async def _tells_leases(store: Any) -> None:
    assert await _call(store.holds("Sync", 1)) is False, "holds is False for what was never lent"
    old = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    assert await _call(store.holds("Sync", old)) is True, "holds is True while the lease lasts"
    assert await _call(store.renew("Sync", old, _LEASE_SECONDS)) is not False, (
        "asking with holds takes no lease away"
    )
    assert await _call(store.holds("Other", old)) is False, "each mission is lent by itself"
    new = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    held = [await _call(store.holds("Sync", epoch)) for epoch in (old, new)]
    assert held == [False, True], "holds is True for the newest epoch alone"
    await _call(store.release("Sync", new))
    assert await _call(store.holds("Sync", new)) is False, "holds is False for what was given back"


async def _tells_what_ran_out(store: Any) -> None:
    epoch = await _call(store.acquire("Sync", "here", _SHORT_SECONDS))
    for _ in range(_PATIENCE):
        if await _call(store.holds("Sync", epoch)) is False:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("holds is False for a lease that ran out")
    assert await _call(store.renew("Sync", epoch, _LEASE_SECONDS)) is not False, (
        "asking with holds takes no lease away, not one that ran out either"
    )
    assert await _call(store.holds("Sync", epoch)) is True, "renew makes a lease last on"


async def _fences_states(store: Any) -> None:
    old = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    await _call(store.save(example_state("exec_1", epoch=old)))
    new = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    await _call(store.save(example_state("exec_1", epoch=new, status="interrupted")))
    late = await _answer(store.save, example_state("exec_1", epoch=old))
    assert late is False, "a state of an earlier lease is refused with False"
    found = await _call(store.load("exec_1"))
    assert found["status"] == "interrupted", "and the later one stays"


async def _fences_frames(store: Any) -> None:
    old = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    await _call(store.save(example_state("exec_1", seq=0, epoch=old)))
    new = await _call(store.acquire("Sync", "here", _LEASE_SECONDS))
    await _call(store.save(example_state("exec_1", seq=0, epoch=new)))
    late = await _answer(store.append, "exec_1", 1, example_frame(1, epoch=old))
    assert late is False, "a frame of an earlier lease is refused with False"
    taken = await _answer(store.append, "exec_1", 1, example_frame(1, epoch=new))
    assert taken is not False, "one of the newest lease is taken"


_ALWAYS = (_keeps_values, _replaces, _keeps_apart, _is_not_shared, _takes_many, _keeps_large)
_Checks = tuple[tuple[tuple[str, ...], tuple[Callable[[Any], Any], ...]], ...]

_FRAMES = ("append", "read")
_LEASE = ("acquire", "renew", "release")
_OPTIONAL: _Checks = (
    (("list",), (_lists, _tells_missions_apart, _lists_all)),
    (("list", "delete"), (_deletes,)),
    (("delete", *_FRAMES), (_deletes_frames,)),
    (_FRAMES, (_appends, _reads_all, _frames_survive_a_save, _refuses_other_frames)),
    ((*_FRAMES, "append_all"), (_appends_together, _reads_all_together)),
    (
        _LEASE,
        (
            _lends_once,
            _lends_to_the_same_owner,
            _lends_what_ran_out,
            _lends_for_seconds,
            _is_lent_to_one_of_many,
            _fences_states,
        ),
    ),
    ((*_LEASE, "holds"), (_tells_leases, _tells_what_ran_out)),
    ((*_FRAMES, *_LEASE), (_fences_frames,)),
)


async def _frames(store: Any, execution_id: str, from_seq: int = 1) -> list[JournalFrame]:
    return list(await _call(store.read(execution_id, from_seq)))


async def _answer(method: Callable[..., Any], *arguments: Any) -> Any:
    """What a method answers; raising an error refuses as well as False does."""
    try:
        return await _call(method(*arguments))
    except Exception:  # noqa: BLE001 - a store may raise whatever it likes
        return False


async def _call(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome
