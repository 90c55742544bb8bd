"""The ledger: what is spent in a period, who may start nothing more, and when they may again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import Attempt, Cause, Job
from aimass_server.jobs.ledger import Ledger, Quotas, period_of
from aimass_server.jobs.picture import Limits, Picture, Waiting
from aimass_server.jobs.queue import decide, forecast

NOW = datetime(2030, 1, 10, 12, tzinfo=UTC)  # a Thursday
MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = ("lab", "ada")


def job(number: int, began: datetime, ended: datetime | None, **fields: Any) -> Job:
    options = JobOptions(**{n: fields.pop(n) for n in ("slots", "gpus") if n in fields})
    plain = Job(
        id=f"job_{number}", name="one", owner="ada", tenant="lab", state="running", np=2,
        engine="single", algorithm="classification", params={}, seed=0, options=options,
        created_at=began, started_at=began, ended_at=ended,
    )  # fmt: skip
    return plain.model_copy(update=fields)


def test_runs_are_counted_by_slots_from_the_beginning_of_the_period() -> None:
    ledger = Ledger(Quotas("week", slot_hours_of_user=1))
    ledger.learn([job(1, MONDAY - 3 * HOUR, MONDAY + HOUR, slots=0.5)])
    ledger.learn([job(2, MONDAY - 9 * HOUR, MONDAY - HOUR)])
    running = job(3, NOW - 2 * HOUR, None, gpus=1)
    spent = ledger.spent_by([running], NOW)[ADA]
    assert spent.slots / 3600 == 1 * 2 * 0.5 + 2 * 2
    assert spent.gpus / 3600 == 2 * 2


def test_a_job_that_was_queued_again_counts_all_its_runs_once() -> None:
    ledger = Ledger(Quotas("day", slot_hours_of_user=1))
    stopped = Attempt(
        started_at=NOW - 5 * HOUR,
        ended_at=NOW - 4 * HOUR,
        np=4,
        cause=Cause(code="preempted", message=""),
    )
    ended = job(1, NOW - 2 * HOUR, NOW - HOUR, attempts=[stopped])
    ledger.learn([ended])
    ledger.learn([ended])
    assert ledger.spent_by([], NOW)[ADA].slots / 3600 == 4 + 2


@pytest.mark.parametrize(
    ("quotas", "told"),
    [
        (Quotas("week", slot_hours_of_user=4), "user 'ada' has spent 4.00 of 4 slot-hours"),
        (Quotas("week", slot_hours_of_tenant=3), "tenant 'lab' has spent 4.00 of 3 slot-hours"),
        (Quotas("week", gpu_hours_of_user=2), "user 'ada' has spent 4.00 of 2 GPU-hours"),
        (Quotas("week", gpu_hours_of_tenant=5), ""),
        (Quotas(), ""),
    ],
)
def test_a_quota_names_who_what_and_until_when(quotas: Quotas, told: str) -> None:
    running = job(1, NOW - 2 * HOUR, None, gpus=1)
    why = Ledger(quotas).refusals([running], NOW).get(ADA, "")
    assert why.startswith(told)
    assert bool(told) == ("begin anew at 2030-01-14 00:00 UTC" in why)


def test_who_spent_all_waits_for_the_next_period() -> None:
    waiting = Waiting("job_2", ADA, 1, least=1, most=1, seconds=10)
    picture = Picture(0.0, Limits(4), [waiting], [], spent={ADA: "all is spent"}, anew=500.0)
    blocker = decide(picture).blocked["job_2"]
    assert (blocker.kind, blocker.message) == ("quota", "all is spent")
    assert forecast(picture, "job_2") == 500.0


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["day", "week", "month"]),
)
def test_periods_follow_each_other(moment: datetime, period: Any) -> None:
    now = moment.replace(tzinfo=UTC)
    begun, ends = period_of(period, now)
    assert begun <= now < ends
    assert period_of(period, ends)[0] == ends
    assert period_of(period, ends - timedelta(microseconds=1)) == (begun, ends)
