"""A long queue: 2,000 jobs that wait and 50 that run, then the same after 100,000 have ended.

::

    python benchmarks/long_queue.py [--waiting 2000] [--running 50] [--ended 100000]

The jobs that run sleep; they, and what is measured, go through the API of a real control plane.
Those that wait or have ended are copies of rows that it wrote. The pass of the scheduler is taken
in this process, over the same database and folders. The limits are the peers here: a ratio of 1 is
the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil
from figures import Comparison, publish
from seeding import clone, in_bulk, number_of
from submit import is_warm, until

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, owner
from aimass_jupyter.client.starting import stop_programs
from aimass_server.jobs.ledger import Quotas
from aimass_server.jobs.picture import Limits
from aimass_server.jobs.scheduler import Scheduler
from aimass_server.programs import Program
from aimass_server.store import Store, jobs

SLEEPS = b"import sys, time\ntime.sleep(float(sys.argv[1]))\n"
MEASURED = 60
IDLE_SECONDS = 20.0
SLOWER = 1.5
LIMITS = {"submit": 0.030, "page": 0.020, "scheduling": 0.050, "idle": 0.02}
#: The same of the control plane's own work, which is steadier where others use the machine, too.
LIMITS |= {"submit_cpu": LIMITS["submit"], "page_cpu": LIMITS["page"]}
UNITS = {"submit_cpu": "CPU s", "page_cpu": "CPU s", "idle": "of a core"}


@dataclass(frozen=True)
class Figures:
    """What was measured: seconds, and the share of a core that an idle control plane takes."""

    submit: list[float]
    page: list[float]
    scheduling: list[float]
    idle: list[float]
    submit_cpu: list[float]
    page_cpu: list[float]


def main() -> None:
    """Measure with and without a history, and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=2000)
    parser.add_argument("--running", type=int, default=50)
    parser.add_argument("--ended", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
        folder = Path(name) / "data"
        try:
            young, old = before_and_after(folder, options)
        finally:
            stop_programs(folder)
    told = [*against_limits(young), *against_limits(old, options.ended), *grown(young, old)]
    publish("queue", told)


def before_and_after(folder: Path, options: argparse.Namespace) -> tuple[Figures, Figures]:
    """The figures without a history, and with one."""
    with opened(folder, options.running) as client:
        ended, waiting = begun(client, options.running)
    copy(folder / "aimass.db", waiting, options.waiting - 1, options.ended, ("queued",))
    with opened(folder, options.running) as client:
        young = measured(client, folder, options.running)
    told = ("queued", "running", "succeeded")
    copy(folder / "aimass.db", ended, options.ended, 0, told)
    with opened(folder, options.running) as client:
        return young, measured(client, folder, options.running)


@contextmanager
def opened(folder: Path, slots: int) -> Iterator[Client]:
    """A control plane; what it started goes on when it ends."""
    folder.mkdir(mode=0o700, exist_ok=True)
    options = [f"--AimassApp.data={folder}", f"--AimassApp.slots={slots}"]
    with folder.with_name("control-plane.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aimass_server", *options], stdout=log, stderr=log, cwd=folder
        )
    try:
        found = until(lambda: owner(folder))
        with Client(Address(found.url, found.token_file.read_text())) as client:
            until(lambda: is_warm(client))
            yield client
    finally:
        process.terminate()
        process.wait()


def begun(client: Client, running: int) -> tuple[str, str]:
    """Submit all that run, and one that waits; the id of one that has ended before, and its id."""
    ended = client.wait(submitted(client, 0.0))
    assert ended.state == "succeeded", ended.cause
    sleeping = [submitted(client, 80_000.0) for _ in range(running)]
    until(lambda: all(client.jobs.show(job).state == "running" for job in sleeping))
    return ended.id, submitted(client, 0.0)


def submitted(client: Client, seconds: float) -> str:
    """Submit a job that sleeps."""
    source = client.upload_content("sleeps.py", SLEEPS)
    job = client.jobs.submit(
        source=source, arguments=[str(seconds)], name="sleeps", stall_seconds=86_400
    )
    return str(job.id)


def measured(client: Client, folder: Path, slots: int) -> Figures:
    """All figures, as it is now."""
    source = client.upload_content("sleeps.py", SLEEPS)
    arguments = {"source": source, "arguments": ["0"], "name": "sleeps"}
    began = cpu_of(folder)
    submit = [timed(lambda: client.jobs.submit(**arguments)) for _ in range(MEASURED)]
    between = cpu_of(folder)
    listed = pages(client)
    cpu = [between - began, cpu_of(folder) - between]
    looks = asyncio.run(passes(folder, slots))
    return Figures(submit, listed, looks, [idle(folder)], *([taken / MEASURED] for taken in cpu))


def pages(client: Client) -> list[float]:
    """Seconds for each of the first pages of the list."""
    found, token = [], None
    for _ in range(MEASURED):
        began = time.perf_counter()
        page = client.jobs.list(limit=50, **({"next_token": token} if token else {}))
        found.append(time.perf_counter() - began)
        token = page.next_token
    return found


async def passes(folder: Path, slots: int) -> list[float]:
    """Seconds for each look at the queue, and at the folders of all jobs that run."""
    store = Store(folder / "aimass.db")
    limits = Limits(slots, memory=float(1 << 50))
    scheduler = Scheduler(store, limits, NoClusters(), nothing, nothing, Quotas())
    await scheduler.look()  # the first one learns of what was before
    found = []
    for _ in range(20):
        began = time.perf_counter()
        for job in await store.read(jobs.holding_slots):
            Program(folder / "jobs" / job.id, f"AIMASS_JOB_ID={job.id}").state()
        await scheduler.look()
        found.append(time.perf_counter() - began)
    store.close()
    return found


def nothing(*_: Any) -> None:
    """No job says how long it still takes, nor what it would lose."""


class NoClusters:
    """This machine alone."""

    def nodes_of(self, cluster_id: str) -> list[Any]:
        return []

    ready_nodes = nodes_of
    why_not_ready = nodes_of

    def reach(self, job: Any) -> list[Any]:
        return []


def idle(folder: Path) -> float:
    """The share of a core that the control plane takes while nobody asks anything."""
    time.sleep(2)
    before = cpu_of(folder)
    time.sleep(IDLE_SECONDS)
    return (cpu_of(folder) - before) / IDLE_SECONDS


def cpu_of(folder: Path) -> float:
    """CPU seconds that the control plane has taken."""
    found = owner(folder)
    assert found is not None
    times = psutil.Process(found.identity.pid).cpu_times()
    return times.user + times.system


def timed(ask: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def copy(database: Path, job: str, count: int, first: int, told: tuple[str, ...]) -> None:
    """So many jobs like this one, each with its run and its events, from a number on."""
    number = f"{first} + i"
    ids = {prefix: number_of(prefix).replace("i)", f"{number})") for prefix in ("job", "run")}
    with in_bulk(database):
        clone(database, "jobs", f"id = '{job}'", count, {"id": ids["job"]})
        run = {"id": ids["run"], "job": ids["job"], "number": f"1000000 + {number}"}
        clone(database, "runs", f"job = '{job}'", count, run)
        for topic in told:
            where = f"subject = '{job}' AND topic = 'jobs.{topic}'"
            event = {"sequence": "NULL", "subject": ids["job"]}
            clone(database, "events", where, count, event)


def against_limits(figures: Figures, ended: int = 0) -> list[Comparison]:
    """Each figure beside its limit."""
    when = f", {ended:,} ended" if ended else ""
    return [
        Comparison(f"limit of {name}{when}", "", values, [LIMITS[name]], UNITS.get(name, "s"), 1.0)
        for name, values in named(figures)
    ]


def grown(young: Figures, old: Figures) -> list[Comparison]:
    """Each figure after the history beside the one before it."""
    return [
        Comparison(f"{name} before", "", after, before, UNITS.get(name, "s"), 1 / SLOWER)
        for (name, before), (_, after) in zip(named(young), named(old), strict=True)
    ]


def named(figures: Figures) -> list[tuple[str, list[float]]]:
    """The figures by name."""
    return [(field.name, getattr(figures, field.name)) for field in fields(figures)]


if __name__ == "__main__":
    main()
