"""How long a job should run, told from others: those like it, other epochs, those that run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.history import UNKNOWN_SECONDS, History

NOW = utc_now()


def _job(epochs: int | None = None, seconds: float | None = None, **fields: object) -> Job:
    """A job; one that took so many seconds has ended."""
    values: dict[str, object] = {
        "id": new_id("job"), "name": "j", "owner": "ada", "tenant": "t", "state": "running",
        "engine": "single", "np": 1, "algorithm": "classification", "dataset": "iris@1",
        "params": {"epochs": epochs} if epochs else {}, "seed": 0, "created_at": NOW,
    }  # fmt: skip
    if seconds is not None:
        ended = {"state": "succeeded", "started_at": NOW, "ended_at": NOW + timedelta(0, seconds)}
        values |= ended
    return Job.model_validate(values | fields)


def _after(*ended: Job) -> History:
    history = History()
    history.learn(ended)
    return history


def test_those_that_are_alike_tell_by_their_median() -> None:
    history = _after(_job(5, 1.0), _job(5, 2.0), _job(5, 9.0), _job(50, 70.0))
    assert history.seconds_of(_job(5)) == 2.0


def test_other_epochs_tell_of_a_start_and_so_much_an_epoch() -> None:
    history = _after(_job(10, 4.0), _job(20, 6.0))
    assert history.seconds_of(_job(50)) == pytest.approx(12.0)
    assert history.seconds_of(_job(1)) == pytest.approx(2.2)


def test_more_epochs_are_never_told_shorter_nor_more_than_in_proportion() -> None:
    assert _after(_job(10, 6.0), _job(20, 4.0)).seconds_of(_job(100)) == pytest.approx(5.0)
    assert _after(_job(10, 1.0), _job(20, 9.0)).seconds_of(_job(1)) > 0


def test_one_number_of_epochs_is_taken_for_half_of_the_work() -> None:
    assert _after(_job(10, 4.0)).seconds_of(_job(20)) == pytest.approx(6.0)


def test_a_job_that_runs_tells_of_those_like_it_until_one_has_ended() -> None:
    history = _after(_job(5, 0.5, dataset="wine@1"))
    running = _job(5, engine="horovod", np=2)
    assert history.watch([(running, 30.0)])
    assert not history.watch([(running, 31.0)])
    assert history.seconds_of(_job(5, engine="horovod", np=2)) == 30.0
    assert history.watch([])
    assert history.seconds_of(_job(5, engine="horovod", np=2)) == 0.5
    history.learn([_job(5, 8.0, engine="horovod", np=2)])
    assert not history.watch([(running, 30.0)])  # known by now: nothing is to be told anew
    assert history.seconds_of(_job(5, engine="horovod", np=2)) == 8.0


def test_of_a_tenant_of_whom_nothing_is_known_nothing_is_told() -> None:
    history = _after(_job(5, 2.0))
    assert history.seconds_of(_job(5, tenant="other")) == UNKNOWN_SECONDS
