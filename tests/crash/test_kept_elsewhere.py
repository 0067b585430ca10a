"""Real processes whose state is kept in a table: killed, their disk emptied, and resumed from it.

The state folder is removed after each kill, stores and sync checkpoints included. What an
undisturbed run leaves must be there in the end all the same.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from crash.test_processes import Usual, kill_somewhere, place, usual_of
from support.crash_outcome import differences
from support.crash_processes import KILLED, Process, reqon
from support.crash_runs import Bench, Run, Shape, seed_of
from support.sqlite_store import SavingTable, install

SHORT = [
    ("quickstart", "saving"),
    ("quickstart", "whole"),
    ("post", "whole"),
    ("memory_to_file", "listing"),
    ("parallel_group", "whole"),
]
DEEP_SHAPES = (
    "quickstart",
    "post",
    "nested_loops",
    "memory_to_file",
    "parallel_loop",
    "parallel_group",
    "large_values",
    "jump_retry",
    "store_kinds",
)
N_KILLS = 3

pytestmark = pytest.mark.slow


class Elsewhere:
    """The program with `stateStore: table`, and the table."""

    def __init__(self, bench: Bench, run: Run, table: str) -> None:
        self.run = run
        self.file = run.folder / "states.db"
        self.env = {"REQON_TEST_URL": run.world.url, "CRASH_TOKEN": "secret-token-of-the-tests"}
        self.env |= install(run.folder / "plugin", table, self.file)
        text = run.program.read_text(encoding="utf-8")
        text = text.replace("stateDurability", "stateStore: table  stateDurability", 1)
        self.program = bench.program(f"{run.program.stem}-elsewhere", text)
        self.lists = table != "saving"

    def command(self) -> tuple[list[str], Path, dict[str, str]]:
        """Resume what there is: by its id where the table cannot list."""
        known = None if self.lists else self._newest()
        resume = ["--resume"] if known is None else ["--execution", known]
        return ["run", str(self.program), *resume], self.run.folder, self.env

    def _newest(self) -> str | None:
        row = SavingTable(self.file).db.execute(
            "select id from states where status <> 'completed' order by started desc limit 1"
        )
        found = row.fetchone()
        return None if found is None else found[0]


def killed_and_wiped(
    bench: Bench, name: str, table: str, usual: Usual, chance: random.Random
) -> tuple[int, list[str]]:
    """How often the run was killed, and what is not equal in the end."""
    log: list[str] = []
    n_kills = 0
    with place(bench, name) as run:
        elsewhere = Elsewhere(bench, run, table)
        for _ in range(chance.randint(1, 4)):
            with Process(*elsewhere.command()) as process:
                log.append("killed after " + kill_somewhere(process, run, chance, usual))
                ended = process.wait()
            if ended.code != KILLED:
                log.append(str(ended))
                break
            if run.is_complete:
                break
            n_kills += 1
            shutil.rmtree(run.state_dir, ignore_errors=True)
        if not run.is_complete:
            log.append(f"resumed: {reqon(*elsewhere.command())}")
        found = differences(run.outcome(ordered=Shape(name).ordered), usual.outcome)
        found += [f"two bodies under one key: {key}" for key in run.world.double_keys()]
    return n_kills, [*log, *found] if found else []


def kill_and_wipe(bench: Bench, name: str, table: str, n_kills: int, seed: int) -> None:
    usual = usual_of(bench, name)
    kills = runs = 0
    while kills < n_kills:
        chance = random.Random(f"{seed} {name} {table} {runs}")
        killed, problems = killed_and_wiped(bench, name, table, usual, chance)
        if problems:
            shown = "\n".join(problems)
            pytest.fail(f"{name}, {table}, REQON_CRASH_SEED={seed}, run {runs}\n{shown}")
        kills += killed
        runs += 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "table"), SHORT)
def test_a_killed_process_goes_on_from_the_table_alone(bench: Bench, name: str, table: str) -> None:
    kill_and_wipe(bench, name, table, N_KILLS, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("table", ["saving", "whole"])
@pytest.mark.parametrize("name", DEEP_SHAPES)
def test_many_killed_processes_go_on_from_the_table_alone(
    bench: Bench, name: str, table: str
) -> None:
    kill_and_wipe(bench, name, table, 40, seed_of(None))
