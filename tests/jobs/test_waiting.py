"""Jobs that wait: for slots, for others, for their turn; on a real control plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import Busy, InvalidRequest, NotFound
from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server

LONG = {"epochs": 100_000}


@pytest.fixture
def client(own_server: Server) -> Iterator[Client]:
    with own_server.client() as client:
        yield client


@pytest.fixture
def submit(client: Client) -> Callable[..., Job]:
    client.datasets.import_("iris")

    def make(**fields: object) -> Job:
        return client.jobs.submit(dataset="iris", algorithm="classification", **fields)  # type: ignore[no-any-return]

    return make


def _until(client: Client, job: Job, *states: str) -> Job:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: Job = client.jobs.show(job.id)
        if found.state in states:
            return found
        time.sleep(0.1)
    raise AssertionError(f"job {job.name} is {found.state}, wanted {states}")


@pytest.mark.slow
def test_a_waiting_job_says_why_and_an_urgent_one_goes_first(
    client: Client, submit: Callable[..., Job]
) -> None:
    slots = client.system.status().slots
    whole = {"np": slots, "engine": "torchrun" if slots > 1 else "single"}
    running = submit(name="long", params=LONG, **whole)
    _until(client, running, "starting", "running")  # or the urgent one would come before it
    first = submit(name="first", params={"epochs": 1})
    urgent = submit(name="urgent", params={"epochs": 1}, priority="urgent", **whole)
    why = client.jobs.why(first.id)
    assert (why.position, why.waiting) == (2, 2)
    assert why.blockers[0].kind == "slots"
    assert why.starts_in_seconds is not None
    assert client.jobs.why(urgent.id).position == 1
    _until(client, running, "running")
    client.jobs.stop(running.id)
    ended = [_until(client, job, "succeeded") for job in (urgent, first)]
    assert client.jobs.why(running.id).notes[0].startswith("it has ended: stopped by ")
    assert ended[0].ended_at <= ended[1].started_at  # type: ignore[operator]


@pytest.mark.slow
def test_a_job_waits_for_another_and_fails_with_it(
    client: Client, submit: Callable[..., Job]
) -> None:
    before = submit(name="before", params=LONG)
    after = submit(name="after", params={"epochs": 1}, after=["before"])
    why = client.jobs.why("after")
    assert why.blockers[0].kind == "dependency"
    assert why.blockers[0].message == "waits for 'before' to end"
    _until(client, before, "running")
    client.jobs.stop(before.id)
    ended = _until(client, after, "failed")
    assert ended.cause is not None
    assert ended.cause.code == "dependency"
    assert "'before'" in ended.cause.message


def test_waiting_for_what_is_not_there_is_refused(submit: Callable[..., Job]) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        submit(after=["nobody"])
    with pytest.raises(InvalidRequest, match="there is no 'asap'"):
        submit(priority="asap")


@pytest.mark.slow
def test_a_users_second_job_waits_where_one_may_run(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    one_at_once = ("--AimassApp.jobs_per_user=1", "--AimassApp.slots_per_user=1")
    server.start(*one_at_once, "--AimassApp.queued_per_user=2")
    try:
        with server.client() as client:
            client.datasets.import_("iris")
            work = {"dataset": "iris", "algorithm": "classification"}
            first = client.jobs.submit(name="first", params=LONG, **work)
            second = client.jobs.submit(name="second", params={"epochs": 1}, **work)
            with pytest.raises(InvalidRequest, match="needs 2 slots, a user may hold 1 at once"):
                client.jobs.submit(name="large", np=2, engine="torchrun", **work)
            _until(client, first, "running")
            blocker = client.jobs.why(second.id).blockers[0]
            assert blocker.kind == "quota"
            assert "1 of 1 jobs running" in blocker.message
            third = client.jobs.submit(name="third", **work)
            with pytest.raises(Busy, match="has 2 jobs in the queue") as refused:
                client.jobs.submit(name="fourth", **work)
            assert refused.value.retry_after
            client.jobs.stop(third.id)
            client.jobs.stop(first.id)
            _until(client, second, "succeeded")
    finally:
        server.stop_everything()


@pytest.mark.slow
def test_a_job_whose_code_is_gone_fails_and_holds_up_nobody(
    own_server: Server, client: Client, submit: Callable[..., Job], tmp_path: Path
) -> None:
    slots = client.system.status().slots
    whole = {"np": slots, "engine": "torchrun" if slots > 1 else "single"}
    running = submit(name="long", params=LONG, **whole)
    (tmp_path / "own.py").write_text("print('never')\n")
    own = client.train(tmp_path / "own.py")
    after = submit(name="after", params={"epochs": 1})
    for blob in (own_server.folder / "blobs").rglob(own.source.digest):
        blob.write_bytes(b"PK\x03\x04 no archive any more")
    _until(client, running, "running")
    client.jobs.stop(running.id)
    ended = _until(client, own, "failed")
    assert ended.cause is not None
    assert ended.cause.code == "not-started"
    assert "no package of own code" in ended.cause.message
    _until(client, after, "succeeded")
