"""What a person is told of a job's course while it runs: restarts, a standstill, lost numbers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import read_record
from tests.conftest import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]
LONG: dict[str, Any] = {
    "dataset": "digits",
    "algorithm": "classification",
    "params": {"epochs": 100_000, "architecture": "linear"},
    "np": 2,
}


@pytest.fixture(scope="module", autouse=True)
def _dataset(client: Client) -> None:
    client.datasets.import_("digits")


@pytest.fixture(autouse=True)
def _nothing_trains_on(client: Client) -> Iterator[None]:
    """A job of a test that failed would keep the slots from all tests after it."""
    yield
    for job in client.jobs.list(state="running").items:
        client.jobs.stop(job.id)


def until(client: Client, job: Job, true: Any, seconds: float = 60) -> Job:
    deadline = time.monotonic() + seconds
    while not true(found := client.jobs.show(job.id)):
        assert not found.final, found.cause
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def pids_of(server: Server, job: Job) -> list[int]:
    """The processes of its ranks, by rank."""
    record = read_record(server.folder / "jobs" / job.id / "ranks.json")
    assert record is not None
    return list(record["pids"])


def test_restarts_and_a_standstill_are_told_while_the_job_runs(
    server: Server, client: Client
) -> None:
    job: Job = client.jobs.submit(**LONG, name="told", max_restarts=1, stall_seconds=30)
    checkpoints = server.folder / "jobs" / job.id / "checkpoints"
    until(client, job, lambda _: list(checkpoints.glob("step-*")))
    before = pids_of(server, job)
    os.kill(before[1], signal.SIGKILL)
    told = until(client, job, lambda found: found.restarts == 1 and found.warnings)
    assert "go on from the newest checkpoint: rank 1 SIGKILL" in told.warnings[0]
    until(client, job, lambda _: pids_of(server, job) != before)
    began = told.progress.fraction
    until(client, job, lambda found: found.progress.fraction > began)

    rank = pids_of(server, job)[0]
    os.kill(rank, signal.SIGSTOP)
    told = until(client, job, lambda found: len(found.warnings) == 2)
    assert told.warnings[1].startswith("stalled: rank 0 on ")
    os.kill(rank, signal.SIGCONT)
    told = until(client, job, lambda found: "stood still" in found.warnings[-1])
    assert len(told.warnings) == 2

    client.jobs.stop(job.id)
    ended = client.wait(job.id)
    assert (ended.restarts, ended.warnings) == (1, told.warnings)
    noted, after = 0, 0
    while events := client.events.list(after=after, limit=1000).items:  # many tests use this server
        noted += sum(e.topic == "jobs.noted" and e.subject == job.id for e in events)
        after = events[-1].sequence
    assert noted >= 3


def test_a_job_whose_loss_is_no_number_gives_no_model(client: Client) -> None:
    params = {"optimizer": "sgd", "learning_rate": 100.0, "weight_decay": 10.0, "epochs": 50}
    job = client.jobs.submit(
        dataset="digits", algorithm="classification", np=2, params=params, name="diverging"
    )
    ended = client.wait(job.id)
    assert (ended.state, ended.model) == ("failed", None)
    assert ended.cause is not None
    assert ended.cause.code == "not-a-number"
    assert "diverging" not in {model.name for model in client.models.list().items}
