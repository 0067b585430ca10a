"""The guided tour: a mission is killed twice, resumed twice, and proved right.

Each step starts real processes, shows what they print, and checks what it claims; the first claim
that does not hold ends the tour with an error. How text reaches the screen is the teller's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from reqon.demo.customers import ADDED_OVERNIGHT, CHANGED_OVERNIGHT, FIRST_DAY_COUNT
from reqon.demo.sample_api import SampleApi
from reqon.demo.workshop import MISSION, MISSION_FILE, DemoError, Finished, Workshop, expect
from reqon.state.model import ExecutionState

_PAGES_BEFORE_KILL = 15
_PAGE_SIZE = 100
_ITEM_AT_KILL = 523


def _has_fetched(state: ExecutionState) -> bool:
    return state.checkpoints.get("FetchCustomers", {}).get("page") == _PAGES_BEFORE_KILL


def _is_in_the_loop(state: ExecutionState) -> bool:
    return state.active_step is not None and state.active_step.index == _ITEM_AT_KILL


class Teller(Protocol):
    """Puts the tour on the screen."""

    width: int
    colored: bool
    live: bool

    def title(self, text: str) -> None:
        """The heading of the whole."""
        ...

    def step(self, number: int, text: str) -> None:
        """The heading of a step."""
        ...

    def say(self, text: str) -> None:
        """A paragraph."""
        ...

    def command(self, line: str) -> None:
        """A command line that is run now."""
        ...

    def output(self, text: str) -> None:
        """What a command printed, or an excerpt of a file."""
        ...

    def killed(self, text: str) -> None:
        """A process has just been killed."""
        ...

    def event(self, text: str) -> None:
        """Something else done from outside."""
        ...

    def proof(self, text: str) -> None:
        """A claim that has just been checked."""
        ...


class Tour:
    """All steps, in order."""

    def __init__(self, teller: Teller, folder: Path) -> None:
        self._teller = teller
        self._folder = folder

    async def run(self) -> None:
        """Take the tour; raises DemoError where a claim does not hold."""
        async with SampleApi() as api, SampleApi() as quiet_api:
            work = self._workshop("disturbed", api, live=self._teller.live)
            calm = self._workshop("undisturbed", quiet_api, live=False)
            self._welcome(api)
            await self._kill_while_paging(work, api)
            await self._kill_in_the_loop(work, api)
            await self._finish(work)
            await self._compare(work, calm)
            await self._next_day(work, api)
            self._farewell()

    def _workshop(self, name: str, api: SampleApi, *, live: bool) -> Workshop:
        teller = self._teller
        work = Workshop(
            self._folder / name, api.address, teller.width - 4, teller.colored, inherit_errors=live
        )
        work.prepare()
        return work

    def _welcome(self, api: SampleApi) -> None:
        tell = self._teller
        tell.title("Reqon: killed twice, and right in the end")
        tell.say(
            f"A sample web service with {api.customer_count:,} customers listens at "
            f"{api.address}; now and then it answers 503. The mission {MISSION_FILE} copies the "
            "customers page by page, then asks for a score for each active one:"
        )
        tell.output(
            'get "/customers" { params: { limit: 100 }, paginate: page(page, 100),\n'
            "                   since: lastSync }\n"
            "store response.data -> customers { key: .id, upsert: true }\n"
            "...\n"
            "for customer in customers where .active == true ... checkpoint every 100 {\n"
            '  get "/customers/{customer.id}/score"\n'
            "  map ...  validate ...\n"
            "  store customer -> scored { key: .id }\n"
            "}"
        )

    async def _kill_while_paging(self, work: Workshop, api: SampleApi) -> None:
        tell = self._teller
        tell.step(1, f"Start it, and kill it without warning after page {_PAGES_BEFORE_KILL}")
        gate = api.hold("/customers", page=_PAGES_BEFORE_KILL + 1)
        tell.command(f"reqon {MISSION_FILE}")
        tell.output(await work.run_until(gate, _has_fetched, MISSION_FILE))
        tell.killed("kill -9: the process is gone, nothing was tidied up")
        record = await work.record()
        expect("status after the first kill", record["status"], "interrupted")
        checkpoint = record["checkpoints"]["FetchCustomers"]
        expect("page", checkpoint["page"], _PAGES_BEFORE_KILL)
        expect("itemsProcessed", checkpoint["itemsProcessed"], _PAGES_BEFORE_KILL * _PAGE_SIZE)
        tell.command(f"reqon status {MISSION} --json")
        tell.output(
            "...\n"
            f'"status": "{record["status"]}",\n'
            f'"checkpoints": {{ "FetchCustomers": {{ "page": {checkpoint["page"]}, '
            f'"itemsProcessed": {checkpoint["itemsProcessed"]} }} }}\n'
            "..."
        )
        tell.proof(f"the {_PAGES_BEFORE_KILL} pages that had arrived are safe")

    async def _kill_in_the_loop(self, work: Workshop, api: SampleApi) -> None:
        tell = self._teller
        customer = f"cust_{_ITEM_AT_KILL + 1}"
        tell.step(2, "Resume it, and kill it again in the middle of the loop")
        gate = api.hold(f"/customers/{customer}/score")
        tell.command(f"reqon {MISSION_FILE} --resume")
        tell.output(await work.run_until(gate, _is_in_the_loop, MISSION_FILE, "--resume"))
        tell.killed(f"kill -9: while it waits for the score of {customer}")
        await self._show(work, "status", MISSION)
        record = await work.record()
        expect("status after the second kill", record["status"], "interrupted")
        active = record["activeStep"]
        expect("action", active["action"], "TransformCustomers")
        expect("index", active["index"], _ITEM_AT_KILL)
        expect("item", active["item"].get("id"), customer)
        tell.proof(f"it stood at index {active['index']}, {customer}: that is where it goes on")

    async def _finish(self, work: Workshop) -> None:
        tell = self._teller
        tell.step(3, "Resume it once more, to the end")
        await self._show(work, MISSION_FILE, "--resume")
        record = await work.record()
        expect("status at the end", record["status"], "completed")
        expect("actions run", record["actionsRun"], ["FetchCustomers", "TransformCustomers"])
        expect("customers added", record["stores"]["customers"]["added"], FIRST_DAY_COUNT)
        await self._show(work, "status")
        await self._show(work, "history", MISSION)
        tell.proof(f"one execution, three attempts, {FIRST_DAY_COUNT:,} customers added")

    async def _compare(self, work: Workshop, calm: Workshop) -> None:
        tell = self._teller
        tell.step(4, "Compare with a run that nobody disturbed")
        tell.command(f"reqon {MISSION_FILE}     # in another folder")
        tell.output((await _succeed(calm, MISSION_FILE)).output)
        disturbed, undisturbed = work.stores(), calm.stores()
        expect("store files", sorted(disturbed), sorted(undisturbed))
        for name, content in disturbed.items():
            if content != undisturbed[name]:
                raise DemoError(f"the store file '{name}' differs from that of an undisturbed run")
        records = [await work.record(), await calm.record()]
        expect("counts", records[0]["stores"], records[1]["stores"])
        expect("sync checkpoints", _items_synced(work), _items_synced(calm))
        for name, content in disturbed.items():
            tell.proof(f"{name}: equal, byte for byte ({len(content):,} bytes)")

    async def _next_day(self, work: Workshop, api: SampleApi) -> None:
        tell = self._teller
        tell.step(5, "The next day: ask only for what has changed")
        api.start_next_day()
        tell.event(f"{ADDED_OVERNIGHT} customers sign up, {CHANGED_OVERNIGHT} change their address")
        await self._show(work, MISSION_FILE)
        record = await work.record()
        counts = record["stores"]["customers"]
        expect("added", counts["added"], ADDED_OVERNIGHT)
        expect("updated", counts["updated"], CHANGED_OVERNIGHT)
        expect("records", counts["count"], FIRST_DAY_COUNT + ADDED_OVERNIGHT)
        tell.output(_record_excerpt(counts))
        tell.proof(f"added {ADDED_OVERNIGHT}, updated {CHANGED_OVERNIGHT}, nothing fetched twice")

    def _farewell(self) -> None:
        tell = self._teller
        tell.title("That is all. Where to go from here")
        tell.output(
            "reqon demo --serve          the sample service, to play with\n"
            "reqon examples/quickstart   the mission of this tour, by hand\n"
            "reqon init my-sync          a mission of your own to start from\n"
            "reqon --help                everything else"
        )

    async def _show(self, work: Workshop, *arguments: str) -> None:
        self._teller.command(" ".join(["reqon", *arguments]))
        finished = await _succeed(work, *arguments)
        self._teller.output(finished.errors)
        self._teller.output(finished.output)


async def _succeed(work: Workshop, *arguments: str) -> Finished:
    finished = await work.run(*arguments)
    if finished.exit_code != 0:
        line = " ".join(["reqon", *arguments])
        raise DemoError(
            f"'{line}' ended with exit code {finished.exit_code}\n{finished.errors}".rstrip()
        )
    return finished


def _items_synced(work: Workshop) -> dict[str, Any]:
    return {key: entry["itemsSynced"] for key, entry in work.sync_checkpoints().items()}


def _record_excerpt(counts: Mapping[str, Any]) -> str:
    return (
        f'"stores": {{ "customers": {{ "count": {counts["count"]}, "added": {counts["added"]}, '
        f'"updated": {counts["updated"]} }} }}'
    )
