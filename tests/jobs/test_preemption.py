"""Making room: the laws of which jobs are stopped for others, and one that is, with real ranks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Attempt, Cause, Job
from aimass_server.jobs.picture import Limits, Picture, Running, Waiting
from aimass_server.jobs.preemption import (
    STOPPING_SECONDS,
    Policy,
    Stake,
    victims,
    with_room_made,
)
from aimass_server.jobs.queue import decide, forecast
from tests.conftest import Server

USERS = [("lab", "ada"), ("lab", "bob"), ("shop", "eve")]
ADA, BOB, EVE = USERS


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    slots = draw(st.integers(1, 12))
    queue = [
        Waiting(
            f"job_{number:04}",
            draw(st.sampled_from(USERS)),
            priority=draw(st.integers(0, 3)),
            least=(least := draw(st.integers(1, 12))),
            most=least + draw(st.integers(0, 2)),
            seconds=draw(st.floats(1, 1000)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    running, free = [], slots
    for number in range(draw(st.integers(0, 6))):
        if free:
            taken = draw(st.integers(1, free))
            free -= taken
            running.append(
                Running(
                    f"run_{number}", draw(st.sampled_from(USERS)), taken, draw(st.floats(1, 100)),
                    priority=draw(st.integers(0, 3)), leaving=draw(st.booleans()),
                    lost=draw(st.none() | st.floats(0, 100)),
                )
            )  # fmt: skip
    return Picture(0.0, Limits(slots), queue, running)


def after(picture: Picture, gone: set[str]) -> Picture:
    """The same when those that were asked to end have ended."""
    staying = [job for job in picture.running if job.id not in gone and not job.leaving]
    return replace(picture, running=staying)


@given(pictures())
@settings(max_examples=300, deadline=None)
def test_only_lower_priorities_go_for_high_ones_that_then_start(picture: Picture) -> None:
    found = victims(picture, decide(picture))
    running = {job.id: job for job in picture.running}
    waiting = {job.id: job for job in picture.waiting}
    for id_, for_ in found.items():
        assert waiting[for_].priority >= 2
        assert running[id_].priority < waiting[for_].priority
        assert running[id_].lost is not None
        assert not running[id_].leaving
    started = decide(after(picture, set(found))).starts
    for for_ in set(found.values()):
        rivals = [j for j in picture.waiting if j.priority >= waiting[for_].priority]
        if len(rivals) == 1:  # nobody else has a claim on what is free
            assert for_ in started


@given(pictures())
@settings(max_examples=300, deadline=None)
def test_no_job_goes_that_need_not(picture: Picture) -> None:
    """With one that presses, each of those that go is needed."""
    pressing = [job for job in picture.waiting if job.priority == 3][:1]
    picture = replace(picture, waiting=pressing)
    found = victims(picture, decide(picture))
    if pressing and pressing[0].id in decide(after(picture, set())).starts:
        assert not found
    for id_ in found:
        assert pressing[0].id not in decide(after(picture, set(found) - {id_})).starts


def test_who_would_lose_least_goes() -> None:
    running = [Running(f"r{n}", BOB, 1, 50.0, lost=lost) for n, lost in enumerate((30, 5, 90))]
    urgent = Waiting("job_u", ADA, 3, least=1, most=1, seconds=10)
    picture = Picture(0.0, Limits(3), [urgent], running)
    assert victims(picture, decide(picture)) == {"r1": "job_u"}


def test_a_forecast_counts_on_the_room_that_will_be_made() -> None:
    running = [Running("old", BOB, 2, 1000.0), Running("kept", BOB, 1, 500.0)]
    urgent = Waiting("urgent", ADA, 3, least=2, most=2, seconds=100)
    small = Waiting("small", ADA, 1, least=1, most=1, seconds=10)
    picture = Picture(0.0, Limits(3), [urgent, small], running)
    assert forecast(picture, "urgent") == 1000.0

    def again(id_: str) -> Waiting:
        return Waiting(id_, BOB, 1, least=2, most=2, seconds=5000)

    ahead = with_room_made(picture, {"old": Stake(lost=5.0, since=40.0)}, again)
    stopped = 40.0 + STOPPING_SECONDS
    assert forecast(ahead, "urgent") == stopped
    assert forecast(ahead, "old") == stopped + 100, "it goes on where it was"
    back = next(waiting for waiting in ahead.waiting if waiting.id == "old")
    assert back.seconds == 1000.0 - stopped
    assert with_room_made(picture, {}, again) == picture


def job(**fields: object) -> Job:
    plain = Job(
        id="job_1", name="one", owner="ada", tenant="lab", state="running", engine="single", np=1,
        algorithm="classification", params={}, seed=0, created_at=datetime.now(UTC),
        started_at=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip
    return plain.model_copy(update=fields)


def test_a_job_is_left_alone_at_first_and_after_it_was_stopped(tmp_path: Path) -> None:
    policy, now = Policy(True, 60, 600), datetime.now(UTC)
    at = now.timestamp()
    stake = policy.stake(job(), tmp_path, at)
    assert stake is not None
    assert stake.lost == pytest.approx(3600, abs=5)
    assert stake.since <= at
    young = policy.stake(job(started_at=now - timedelta(seconds=30)), tmp_path, at)
    assert young is not None
    assert young.since == pytest.approx(at + 30)
    began, ended = now - timedelta(hours=2), now - timedelta(minutes=5)
    stopped = Attempt(
        started_at=began, ended_at=ended, np=1, cause=Cause(code="preempted", message="")
    )
    rested = policy.stake(job(attempts=[stopped]), tmp_path, at)
    assert rested is not None
    assert rested.since == pytest.approx(at + 300)
    uninterrupted = job(options=job().options.model_copy(update={"uninterrupted": True}))
    assert policy.stake(uninterrupted, tmp_path, at) is None
    assert Policy(allowed=False).stake(job(), tmp_path, at) is None


def until(client: Client, ref: str, fine: Callable[[Job], bool], seconds: float = 90) -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: Job = client.jobs.show(ref)
        if fine(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{found.name} is {found.state}: {found.cause}")


@pytest.mark.slow
def test_a_job_makes_room_and_goes_on_in_one_curve(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start("--AimassApp.slots=2", "--AimassApp.preemption_grace_seconds=0")
    try:
        with server.client() as client:
            client.datasets.import_("iris")
            work = {"dataset": "iris", "algorithm": "classification"}
            engine = {"engine": "horovod", "np": 2}
            params = {"epochs": 400, "architecture": "linear"}
            long = client.jobs.submit(name="long", params=params, **engine, **work)
            until(client, long.id, lambda job: job.progress.fraction > 0.02)
            urgent = client.jobs.submit(
                name="urgent", priority="urgent", params={"epochs": 1}, **engine, **work
            )
            why = client.jobs.why(urgent.id)
            assert client.wait(urgent.id).state == "succeeded", why
            ended = client.wait(long.id)
            assert ended.state == "succeeded", ended.cause
            (attempt,) = ended.attempts
            assert attempt.cause.code == "preempted"
            assert urgent.id in attempt.cause.message
            assert (
                "going on from the checkpoint after step"
                in client.jobs.logs(long.id, limit_bytes=4_000_000).text
            )
            (loss,) = [s for s in client.jobs.metrics(long.id).series if s.tag == "loss/train"]
            assert loss.steps == list(range(len(loss.steps)))
            fresh = client.jobs.show(urgent.id)
            assert attempt.ended_at <= fresh.started_at <= ended.started_at
    finally:
        server.stop_everything()
