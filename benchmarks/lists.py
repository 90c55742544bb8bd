"""Any page of 1,000,000 runs over HTTP, filtered and sorted by a metric, beside mlflow's 100,000.

::

    python benchmarks/lists.py [--runs 1000000] [--theirs 100000] [--pages 200]
        [--data FOLDER]

The pages lie at depths drawn over the whole list. mlflow is asked in its own process, over SQLite
and without HTTP, in an environment of its own (build/peers/mlflow).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from events_log import MLFLOW, mlflow_python
from figures import Comparison, publish
from long_queue import cpu_of
from seeding import clone, in_bulk, number_of
from submit import until

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, owner
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job, JobOptions
from aimass_server.store import Store, jobs
from aimass_server.store import runs as stored_runs
from aimass_server.store.run_pages import token_of
from aimass_server.store.run_walks import Key

PAGE = 50
METRICS = ("accuracy", "loss", "f1")
#: A tag, and one run in how many has it.
TAGS = {"seventh": 7, "hundreds": 300, "rare": 10_000}
GOAL_SECONDS = 0.020
GOAL_RATIO = 100.0
#: What is asked for: the filters, always ordered by a metric.
QUESTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "one experiment of ten": {"experiment": "sweep-3"},
    "one experiment of a thousand": {"experiment": "small-7"},
    "a tag of one in seven": {"tag": "seventh"},
    "a tag of one in 300": {"tag": "hundreds"},
    "a tag of one in 10,000": {"tag": "rare"},
    "state": {"state": "succeeded"},
    "one state of five hundred": {"state": "failed"},
    "experiment, tag and state": {"experiment": "sweep-3", "tag": "seventh", "state": "succeeded"},
    "a text of one in 1,000": {"search": "-777"},
}

_ASK_MLFLOW = """
import json, logging, random, sqlite3, sys, time
logging.disable(logging.CRITICAL)
import mlflow
from mlflow.utils.search_utils import SearchUtils
path, count, pages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = mlflow.MlflowClient("sqlite:///" + path)
experiment = client.create_experiment("bench")
run = client.create_run(experiment)
for name in ("accuracy", "loss", "f1"):
    client.log_metric(run.info.run_id, name, 0.5)
client.set_terminated(run.info.run_id)
def clone(table, expressions, where):
    names = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join(expressions.get(name, f'one."{name}"') for name in names)
    base.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{count}) "
                 f"INSERT INTO {table} SELECT {chosen} FROM "
                 f"(SELECT * FROM {table} WHERE {where}) AS one, n")
base = sqlite3.connect(path)
identity = "printf('%032d', i)"
clone("runs", {"run_uuid": identity}, f"run_uuid='{run.info.run_id}'")
for table in ("metrics", "latest_metrics"):
    value = {"run_uuid": identity, "value": "((i * 7919) % 1000003) / 1000003.0"}
    clone(table, value, f"run_uuid='{run.info.run_id}'")
base.execute("ANALYZE")
base.commit()
base.close()
took, cpu, draw = [], [], random.Random(1)
for number in range(pages):
    token = SearchUtils.create_page_token(draw.randrange(count - 50))
    began, began_cpu = time.perf_counter(), time.process_time()
    page = client.search_runs([experiment], "metrics.accuracy < 0.999",
                              order_by=["metrics.accuracy DESC"], max_results=50, page_token=token)
    took.append(time.perf_counter() - began)
    cpu.append(time.process_time() - began_cpu)
print(json.dumps([took, cpu]))
"""


def main() -> None:
    """Measure each question over HTTP, then mlflow, and publish."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--theirs", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=200, help="of each question")
    parser.add_argument("--data", type=Path, help="a data folder that is kept for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
        folder = options.data or Path(name) / "data"
        if not folder.exists():
            seed(folder, options.runs)
        keys = drawn(folder / "aimass.db", options.pages)
        with opened(folder) as client:
            ours = {
                question: depths(client, keys, asked, folder)
                for question, asked in QUESTIONS.items()
            }
        theirs, why_not = mlflow_pages(Path(name), options.theirs)
    limits = [
        Comparison(f"p99 limit: {question}", "", [p99(found.took)], [GOAL_SECONDS], "s", 1.0,
                   note=found.note)
        for question, found in ours.items()
    ]  # fmt: skip
    peer, first = f"mlflow, {options.theirs:,} runs", ours["all"]
    against = (
        [
            Comparison(peer, MLFLOW, first.took, theirs.took, "s", GOAL_RATIO),
            Comparison(f"{peer}, CPU", MLFLOW, first.cpu, theirs.cpu, "CPU s", GOAL_RATIO),
        ]
        if theirs
        else []
    )
    publish("lists", [*limits, *against])
    if why_not:
        print(f"mlflow {MLFLOW} could not be installed: {why_not}")


@dataclass(frozen=True)
class Pages:
    """Seconds for each page, and CPU seconds of all who worked for it."""

    took: list[float]
    cpu: list[float]

    @property
    def note(self) -> str:
        """The medians."""
        middle, cpu = statistics.median(self.took), statistics.median(self.cpu)
        return f"p50 {middle * 1000:.1f} ms, CPU {cpu * 1000:.1f} ms, {len(self.took)} pages"


def seed(folder: Path, count: int) -> None:
    """A data folder with so many runs, three metrics each, in experiments and with tags."""
    folder.mkdir(mode=0o700, parents=True)
    database = folder / "aimass.db"
    first = asyncio.run(_first_run(database))
    with in_bulk(database):
        fill(database, first, count)


def fill(database: Path, first: str, count: int) -> None:
    """So many runs like the first one."""
    run, value = number_of("run"), "((i * 7919) % 1000003) / 1000003.0"
    experiment = "CASE i % 1000 WHEN 7 THEN 'small-7' ELSE 'sweep-' || (i % 10) END"
    state = "CASE i % 500 WHEN 3 THEN 'failed' ELSE 'succeeded' END"
    told = {"experiment": experiment, "state": state}
    made = {"id": run, "job": number_of("job"), "name": "'run-' || i", "number": "i + 1"}
    clone(database, "runs", f"id = '{first}'", count, told | made)
    for metric in METRICS:
        of_it = f"run = '{first}' AND metric = '{metric}'"
        clone(database, "run_metrics", of_it, count, told | {"run": run, "last": value})
    for tag, every in TAGS.items():
        of_it = f"run = '{first}' AND tag = '{tag}'"
        nth = {"run": run.replace("i)", f"i * {every})")}
        of_nth = {name: sql.replace("i ", f"i * {every} ") for name, sql in told.items()}
        rank = {"last": value.replace("i ", f"i * {every} ")}
        clone(database, "run_tags", of_it, count // every, of_nth | nth)
        clone(database, "tagged_metrics", of_it, count // every, of_nth | rank | nth)


async def _first_run(database: Path) -> str:
    """A run as the product makes it; its id."""
    store = Store(database)
    await asyncio.to_thread(store.open)
    job = Job(
        id=new_id("job"), name="first", owner="ada", tenant="default", state="succeeded",
        engine="single", np=1, algorithm="classification", params={"lr": 0.1, "epochs": 10},
        seed=0, created_at=utc_now(), metrics=dict.fromkeys(METRICS, 0.5),
        options=JobOptions(experiment="sweep-0", tags=list(TAGS)),
    )  # fmt: skip
    await store.write(lambda c: jobs.insert(c, job, "0" * 64, "label"))
    await store.write(lambda c: stored_runs.summarise(c, job, {}))
    run = await store.read(lambda c: stored_runs.get(c, job.id, "default"))
    await asyncio.to_thread(store.close)
    return run.id


@contextmanager
def opened(folder: Path) -> Iterator[Client]:
    """A control plane over the folder."""
    with (folder.parent / "control-plane.log").open("ab") as log:
        command = [sys.executable, "-m", "aimass_server", f"--AimassApp.data={folder}"]
        process = subprocess.Popen(
            [*command, "--AimassApp.warm=False"], stdout=log, stderr=log, cwd=folder
        )
    try:
        found = until(lambda: owner(folder))
        with Client(Address(found.url, found.token_file.read_text())) as client:
            until(lambda: client.system.status())
            yield client
    finally:
        process.terminate()
        process.wait()


def depths(client: Client, keys: list[Key], asked: dict[str, Any], folder: Path) -> Pages:
    """A page after each of these runs, which were drawn from all."""
    took = []
    before = cpu_of(folder) + time.process_time()
    for key in keys:
        began = time.perf_counter()
        page_of(client, asked, PAGE, token_of(key))
        took.append(time.perf_counter() - began)
    cpu = (cpu_of(folder) + time.process_time() - before) / len(keys)
    found = Pages(took, [cpu])
    print(f"{asked}: p99 {p99(took) * 1000:.1f} ms, {found.note}")
    return found


def drawn(database: Path, pages: int) -> list[Key]:
    """Places in the order by the metric, drawn over the whole list."""
    query = "SELECT last, run FROM run_metrics WHERE metric = 'accuracy' AND run = ?"
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        draw = random.Random(1)
        runs = [f"run_{draw.randrange(1, count):026}" for _ in range(pages)]
        return [connection.execute(query, (run,)).fetchone() for run in runs]


def page_of(client: Client, asked: dict[str, Any], limit: int, token: str | None) -> Any:
    """A page, best accuracy first."""
    after = {"next_token": token} if token else {}
    return client.runs.list(order_by="accuracy", limit=limit, **asked, **after)


def p99(took: list[float]) -> float:
    """What one in a hundred takes longer than."""
    return statistics.quantiles(took, n=100)[98]


def mlflow_pages(folder: Path, count: int) -> tuple[Pages | None, str]:
    """Seconds for pages that mlflow tells, at any depth; or why there are none."""
    python, why_not = mlflow_python()
    if python is None:
        return None, why_not
    argv = [str(python), "-c", _ASK_MLFLOW, str(folder / "mlflow.db"), str(count), "20"]
    done = subprocess.run(
        argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    )
    return Pages(*json.loads(done.stdout.strip().splitlines()[-1])), ""


if __name__ == "__main__":
    main()
