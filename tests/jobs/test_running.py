"""Running jobs: followed without a gap, queued when there is no room, stopped for good."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import ProcessIdentity, marked_processes, read_record, send_signal
from tests.conftest import Server

LONG: dict[str, Any] = {
    "dataset": "digits",
    "algorithm": "classification",
    "params": {"epochs": 5000},
}


@pytest.fixture(scope="module", autouse=True)
def _dataset(client: Client) -> None:
    client.datasets.import_("digits")


def wait_for(client: Client, job: str, *states: str, seconds: float = 60) -> Job:
    deadline = time.monotonic() + seconds
    while (found := client.jobs.show(job)).state not in states:
        assert time.monotonic() < deadline, f"{found.state}: {found.cause}"
        time.sleep(0.1)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["single", "horovod", "torchrun"])
def test_a_stopped_job_leaves_no_process(server: Server, client: Client, engine: str) -> None:
    np = 1 if engine == "single" else 2
    job: Job = client.jobs.submit(**LONG, engine=engine, np=np, name=f"stop-{engine}")
    _until_it_trains(client, job.id)
    if engine == "single":  # a supervisor that somebody paused stops it, too
        record = read_record(server.folder / "jobs" / job.id / "started.json") or {}
        send_signal(ProcessIdentity.from_record(record["identity"]), signal.SIGSTOP)
    began = time.monotonic()
    client.jobs.stop(job.id)
    ended = wait_for(client, job.id, "stopped")
    assert time.monotonic() - began < 15
    assert ended.cause
    assert "stopped by" in ended.cause.message
    assert list(marked_processes("AIMASS_JOB_ID", job.id)) == []
    assert client.jobs.stop(job.id).state == "stopped"  # again is harmless


@pytest.mark.slow
def test_a_job_waits_for_slots_and_a_queued_job_stops_at_once(client: Client) -> None:
    slots = client.system.status().slots
    first: Job = client.jobs.submit(**LONG, engine="torchrun", np=slots, name="first")
    second: Job = client.jobs.submit(**LONG, name="second")
    third: Job = client.jobs.submit(**LONG | {"params": {"epochs": 1}}, name="third")
    wait_for(client, first.id, "running")
    assert client.jobs.show(second.id).state == "queued"
    assert client.jobs.stop(second.id).state == "stopped"
    client.jobs.stop(first.id)
    assert client.wait(third.id).state == "succeeded"


@pytest.mark.slow
def test_following_a_job_tells_every_point_once(client: Client) -> None:
    job: Job = client.jobs.submit(
        dataset="digits", algorithm="classification", params={"epochs": 5}, name="points"
    )
    told: dict[str, list[int]] = {}
    log: list[str] = []

    def hear(update: JobUpdate) -> None:
        log.append(update.log)
        for series in update.series:
            told.setdefault(series.tag, []).extend(series.steps)

    assert client.wait(job.id, hear).state == "succeeded"
    whole = {series.tag: series.steps for series in client.jobs.metrics(job.id).series}
    assert told == whole
    assert "".join(log).count("epoch") == client.jobs.logs(job.id).text.count("epoch")


def _until_it_trains(client: Client, job: str) -> None:
    for update in client.updates(job):
        if update.series:
            return
        assert not update.end, update.job.cause
