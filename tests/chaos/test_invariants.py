"""The judge itself: a fair end passes, and each planted violation is found and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Cause, Job
from tests.chaos.invariants import Found, judge, judge_readoption
from tests.chaos.ledger import Entry

LINES = [*(f"line {number}" for number in range(20)), "end 20"]
TOPICS = ["jobs.queued", "jobs.starting", "jobs.running", "jobs.succeeded"]
AGAIN = [*LINES[:20], *LINES]  # the first attempt failed


def entry(**changes: Any) -> Entry:
    values = {"kind": "finish", "ids": {"job_a"}, "told": LINES, **changes}
    return Entry("storm-0", "key", **values)


def job(state: str = "succeeded", code: str = "finished", message: str = "", **more: Any) -> Job:
    values: dict[str, Any] = {
        "id": "job_a",
        "name": "storm-0",
        "owner": "ada",
        "tenant": "default",
        "state": state,
        "cause": Cause(code=code, message=message),
        "engine": "single",
        "np": 1,
        "algorithm": "code",
        "params": {},
        "seed": 0,
        "created_at": utc_now(),
    }
    return Job(**values | more)


def found(*jobs: Job, **changes: Any) -> Found:
    return replace(Found(list(jobs) or [job()], 1, LINES, TOPICS, 0), **changes)


FAIR = [
    (entry(), found()),
    (entry(ids=set(), told=[]), Found([], 0)),  # not acknowledged, and never came
    (entry(ids=set(), told=[]), found()),  # not acknowledged, and ran once
    (
        entry(kind="fail"),
        found(
            job("failed", "error", "planned failure of job_a"),
            log=LINES[:20],
            topics=[*TOPICS[:3], "jobs.failed"],
        ),
    ),
    (entry(kind="again", harm="rank"), found(starts=2, log=AGAIN, topics=[*TOPICS[:3], *TOPICS])),
]


@pytest.mark.parametrize("case", range(len(FAIR)))
def test_a_fair_end_is_no_violation(case: int) -> None:
    entry_, found_ = FAIR[case]
    entry_.told = found_.log if entry_.acknowledged else []
    assert judge(entry_, found_) == []


PLANTED = {
    "the row is gone": (entry(), Found([], 0), "lost"),
    "it never ends": (entry(), found(job("queued"), topics=TOPICS[:1]), "lost"),
    "one key, two answers": (
        entry(ids={"job_a", "job_b"}),
        found(job(), job(id="job_b")),
        "twice",
    ),
    "two jobs of one key": (entry(), found(job(), job(id="job_b")), "twice"),
    "two starts": (entry(), found(starts=2), "twice"),
    "a retry that nothing asked for": (entry(kind="again"), found(starts=2), "twice"),
    "a third attempt": (
        entry(kind="again", harm="rank", told=AGAIN),
        found(starts=3, log=AGAIN),
        "twice",
    ),
    "a second log without a second attempt": (entry(told=AGAIN), found(log=AGAIN), "gap"),
    "a line is missing of the second attempt": (
        entry(kind="again", harm="rank", told=[*AGAIN[:25], *AGAIN[26:]]),
        found(starts=2, log=[*AGAIN[:25], *AGAIN[26:]]),
        "gap",
    ),
    "it did well and never began": (entry(), found(starts=0), "twice"),
    "a success that cannot be": (entry(kind="fail"), found(), "cause"),
    "lost, and nobody harmed it": (entry(), found(job("lost", "lost")), "cause"),
    "a stop that was answered": (
        entry(kind="wait", stop_sent=True, stop_acknowledged=True),
        found(),
        "cause",
    ),
    "the error of another": (
        entry(kind="fail"),
        found(job("failed", "error", "planned failure of job_b")),
        "cause",
    ),
    "another signal": (
        entry(kind="wait", harm="rank"),
        found(job("failed", "signal", "rank 0 SIGTERM")),
        "cause",
    ),
    "a process": (entry(), found(left=1), "left"),
    "a line": (entry(), found(log=[*LINES[:7], *LINES[8:]]), "gap"),
    "a line that comes twice": (entry(), found(log=[*LINES[:7], *LINES[6:]]), "gap"),
    "the last line": (entry(told=LINES[:20]), found(log=LINES[:20]), "gap"),
    "a line not told": (entry(told=LINES[:-1]), found(), "gap"),
    "a follower": (entry(follower_fault="no answer"), found(), "gap"),
    "an end told twice": (entry(), found(topics=[*TOPICS, TOPICS[-1]]), "events"),
    "an end not told": (entry(), found(topics=TOPICS[:3]), "events"),
    "a start told twice": (entry(), found(topics=[TOPICS[2], *TOPICS]), "events"),
    "a start not told": (entry(), found(topics=[TOPICS[0], TOPICS[3]]), "events"),
    "an event of nothing": (
        entry(ids=set(), told=[]),
        Found([], 0, topics=["jobs.queued"]),
        "events",
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_found(what: str) -> None:
    entry_, found_, kind = PLANTED[what]
    assert kind in {violation.kind for violation in judge(entry_, found_)}


def test_a_late_readoption_is_found() -> None:
    assert judge_readoption([0.2, 9.9]) == []
    assert [violation.kind for violation in judge_readoption([0.2, 10.1])] == ["late"]
