"""Going back into the queue: which jobs do, what a crash in it leaves, and one that does."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from aimass_jupyter.contract.jobs import Attempt, Cause, Job
from aimass_jupyter.host import ProcessIdentity, read_record, send_signal, write_record
from aimass_server.jobs.returning import (
    goes_back,
    most_ranks,
    pause_before,
    put_back,
    read_attempts,
    seconds_run,
    stopped_by_person,
)
from tests.conftest import Server

BEGAN = "2030-01-01T10:00:00.000Z"
ENDED = datetime(2030, 1, 1, 11, tzinfo=UTC)


def job(**fields: Any) -> Job:
    options = {name: fields.pop(name) for name in ("retries", "min_np") if name in fields}
    plain = Job(
        id="job_1", name="one", owner="ada", tenant="lab", state="running", engine="single", np=1,
        algorithm="classification", params={}, seed=0, created_at=datetime.now(UTC),
    )  # fmt: skip
    kept = plain.options.model_copy(update=options)
    return plain.model_copy(update={"options": kept, **fields})


def cause(code: str) -> Cause:
    return Cause.model_validate({"code": code, "message": code})


def attempt(code: str, np: int = 1) -> Attempt:
    began = ENDED - timedelta(hours=1)
    return Attempt(started_at=began, ended_at=ENDED, np=np, cause=cause(code))


def test_only_faults_that_may_not_come_again_are_tried_again() -> None:
    codes = get_args(Cause.model_fields["code"].annotation)
    tried = {code for code in codes if goes_back(job(retries=1), cause(code))}
    assert tried == {"signal", "lost", "node-lost", "stalled", "disk-full", "preempted"}
    assert {code for code in codes if goes_back(job(), cause(code))} == {"preempted"}


def test_retries_are_counted_and_being_preempted_is_not() -> None:
    attempts = [attempt("signal"), attempt("preempted"), attempt("preempted")]
    assert goes_back(job(retries=2, attempts=attempts), cause("lost"))
    assert not goes_back(job(retries=1, attempts=attempts), cause("lost"))


def test_who_was_being_stopped_is_not_tried_again() -> None:
    assert not goes_back(job(retries=5, state="stopping"), cause("signal"))


def test_out_of_memory_is_tried_with_fewer_ranks_or_not() -> None:
    assert not goes_back(job(retries=3, np=4), cause("out-of-memory"))
    elastic = job(retries=3, np=4, min_np=2)
    assert goes_back(elastic, cause("out-of-memory"))
    again = elastic.model_copy(update={"attempts": [attempt("out-of-memory", np=4)]})
    assert most_ranks(again) == 3
    assert not goes_back(again.model_copy(update={"np": 2}), cause("out-of-memory"))


def test_each_pause_is_twice_the_one_before_up_to_ten_minutes() -> None:
    assert [pause_before(n) for n in (1, 2, 3, 7, 50)] == [10, 20, 40, 600, 600]


@pytest.mark.parametrize("gone", [(), ("stop.json",), ("stop.json", "started.json")])
def test_a_crash_in_the_middle_counts_nothing_twice(tmp_path: Path, gone: tuple[str, ...]) -> None:
    write_record(tmp_path / "started.json", {"started_at": BEGAN})
    write_record(tmp_path / "exit.json", {"started_at": BEGAN})
    write_record(tmp_path / "stop.json", {"by": "the queue", "cause": "preempted"})
    write_record(tmp_path / "restarts.json", {"restarts": 2})
    ended = job(state="stopping")
    first = put_back(tmp_path, ended, cause("preempted"), ENDED)
    assert not {"started.json", "exit.json", "stop.json"} & {p.name for p in tmp_path.iterdir()}
    for name in {"stop.json", "started.json", "exit.json"} - set(gone):  # as if cut off before it
        write_record(tmp_path / name, {"started_at": BEGAN, "cause": "preempted"})
    assert put_back(tmp_path, ended, cause("preempted"), ENDED) == first == read_attempts(tmp_path)
    assert (first[0].seconds, first[0].restarts) == (3600, 2)
    assert seconds_run(ended.model_copy(update={"attempts": first})) == 3600


def test_a_person_is_told_from_the_queue(tmp_path: Path) -> None:
    assert stopped_by_person(tmp_path) == ""
    write_record(tmp_path / "stop.json", {"by": "the queue", "cause": "preempted"})
    assert stopped_by_person(tmp_path) == ""
    write_record(tmp_path / "stop.json", {"by": "ada"})
    assert stopped_by_person(tmp_path) == "ada"


@pytest.mark.slow
@pytest.mark.faults
def test_a_job_whose_supervisor_was_killed_is_tried_again(own_server: Server) -> None:
    with own_server.client() as client:
        client.datasets.import_("iris")
        submitted = client.jobs.submit(
            dataset="iris", algorithm="classification", params={"epochs": 300}, retries=1
        )
        folder = own_server.folder / "jobs" / submitted.id
        deadline = time.monotonic() + 120
        while not list((folder / "checkpoints").glob("step-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        record = read_record(folder / "started.json")
        assert record is not None
        send_signal(ProcessIdentity.from_record(record["identity"]), signal.SIGKILL)
        while client.jobs.show(submitted.id).state != "queued" and time.monotonic() < deadline:
            time.sleep(0.1)
        why = client.jobs.why(submitted.id)
        assert why.blockers[0].kind == "retry", why
        assert "supervisor was killed" in why.notes[0]
        ended = client.wait(submitted.id)
        assert ended.state == "succeeded", ended.cause
        (before,) = ended.attempts
        assert before.cause.code == "lost"
        assert ended.started_at - before.ended_at >= timedelta(seconds=10)
        text = client.jobs.logs(submitted.id, limit_bytes=4_000_000).text
        assert "going on from the checkpoint after step" in text
