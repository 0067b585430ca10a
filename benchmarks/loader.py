"""The same records by a mission into a file store, and by dlt into DuckDB.

    python -m benchmarks.loader [--python PATH] [--records 100000]

dlt is a widely used loader. `--python` is an interpreter that has `dlt[duckdb]`; without it a
virtual environment is made for the run. Both merge records by their key from a list in pages of
1,000 on loopback; imports are not counted, and the best of each counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from benchmarks.engine import SERVER

from reqon.engine.run import RunOptions, run_mission
from reqon.loader import DiskFiles
from reqon.settings import Settings
from vague.program import find_programs, read_program

MISSION = """
mission Bench {
  source Api { base: env("API") }
  store kept: file("kept")
  action Fetch {
    get "/records" { params: { count: %d }, paginate: page(page, 1000) }
    store response.data -> kept { key: .id, upsert: true }
  }
  run Fetch
}
"""

BY_DLT = """
import sys, time
import dlt
from dlt.sources.helpers import requests
url, count = sys.argv[1], int(sys.argv[2])
@dlt.resource(name="kept", primary_key="id", write_disposition="merge")
def kept():
    number = 1
    while True:
        params = {"count": count, "page": number}
        rows = requests.get(url + "/records", params=params).json()["data"]
        yield rows
        if len(rows) < 1000:
            return
        number += 1
pipeline = dlt.pipeline("bench", destination="duckdb", dataset_name="records")
started = time.perf_counter()
pipeline.run(kept())
print(time.perf_counter() - started)
"""


def by_mission(url: str, count: int, folder: Path) -> float:
    """Seconds that a mission takes."""
    path = folder / "bench.vague"
    path.write_text(MISSION % count)
    program = read_program(find_programs(str(path), DiskFiles()).programs[0], DiskFiles())
    options = RunOptions(state_dir=folder / ".vague-data", settings=Settings({"API": url}))
    started = time.perf_counter()
    result = asyncio.run(run_mission(program, "Bench", options))
    taken = time.perf_counter() - started
    assert result.status == "completed", result.error
    return taken


def by_dlt(python: str, url: str, count: int, folder: Path) -> float:
    """Seconds that dlt takes."""
    environment = {**os.environ, "DLT_DATA_DIR": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run(
        [python, "-c", BY_DLT, url, str(count)],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def interpreter_with_dlt(folder: Path) -> str:
    """A virtual environment's interpreter; the package comes from the configured index."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "dlt[duckdb]"], check=True)
    return python


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--python")
    arguments.add_argument("--records", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory() as made:
        python = given.python or interpreter_with_dlt(Path(made))
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            best = [float("inf"), float("inf")]
            for _ in range(given.rounds):
                with tempfile.TemporaryDirectory() as folder:
                    best[0] = min(best[0], by_mission(url, given.records, Path(folder)))
                with tempfile.TemporaryDirectory() as folder:
                    best[1] = min(best[1], by_dlt(python, url, given.records, Path(folder)))
        finally:
            server.kill()
    print(f"{given.records:,} records, best of {given.rounds}")
    print(f"  mission, file store   {best[0]:8.2f} s")
    print(f"  dlt, DuckDB           {best[1]:8.2f} s   ratio {best[1] / best[0]:.1f}  (goal 5)")


if __name__ == "__main__":
    main()
