"""The invariants: judges what a storm left behind against the ledger of its clients.

Pure functions over what was found; nothing is read or asked here, so violations can be planted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aimass_jupyter.contract.jobs import Job
from tests.chaos.ledger import Entry

READOPTED_SECONDS = 10.0
KINDS = ("lost", "twice", "cause", "left", "gap", "events", "late")

_NUMBERED = re.compile(r"^(?:\[\d+\] )?(line|end) (\d+)$")
_FINAL_TOPICS = ("jobs.succeeded", "jobs.failed", "jobs.stopped", "jobs.lost")


@dataclass(frozen=True)
class Violation:
    """One broken promise; ``kind`` is one of KINDS."""

    kind: str
    subject: str
    message: str


@dataclass(frozen=True)
class Found:
    """What is there of one submission when the storm is over.

    Attributes
    ----------
    jobs
        Every job of its name.
    starts
        How often the work of the jobs of its name began, by the marks it left.
    log
        The lines of rank 0, read through the API from the first byte.
    topics
        The topics of the events about it, in order.
    left
        Processes that still carry its marker.
    """

    jobs: list[Job]
    starts: int
    log: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    left: int = 0


def judge(entry: Entry, found: Found) -> list[Violation]:
    """Everything that is wrong with one submission."""
    return [
        Violation(kind, entry.name, message)
        for kind, check in _CHECKS
        for message in check(entry, found)
    ]


def judge_readoption(seconds: Sequence[float]) -> list[Violation]:
    """How long each start took until what the control plane tells is what is there."""
    return [
        Violation("late", f"start {number}", f"{taken:.1f} s until all jobs were known again")
        for number, taken in enumerate(seconds)
        if taken > READOPTED_SECONDS
    ]


def _lost(entry: Entry, found: Found) -> list[str]:
    if not entry.acknowledged:
        return []
    known = {job.id for job in found.jobs}
    gone = [f"acknowledged as {job}, which is not there" for job in entry.ids - known]
    open_ = [f"{job.id} is still {job.state}" for job in found.jobs if not job.final]
    return gone + open_


def _twice(entry: Entry, found: Found) -> list[str]:
    wrong = []
    if len(entry.ids) > 1:
        wrong.append(f"one key was answered with {sorted(entry.ids)}")
    if len(found.jobs) > 1:
        wrong.append(f"{len(found.jobs)} jobs of one key")
    if found.starts > entry.most_starts:
        wrong.append(f"its work began {found.starts} times")
    if not found.starts and any(job.state == "succeeded" for job in found.jobs):
        wrong.append("it succeeded and never began")
    return wrong


def _cause(entry: Entry, found: Found) -> list[str]:
    wrong = []
    for job in found.jobs:
        code, message = (job.cause.code, job.cause.message) if job.cause else ("none", "")
        if (job.state, code) not in entry.ends():
            wrong.append(f"{job.state}, {code}: {message}; it can only be {entry.ends()}")
        elif code == "error" and f"planned failure of {job.id}" not in message:
            wrong.append(f"its error is told as '{message}'")
        elif code == "signal" and "SIGKILL" not in message:
            wrong.append(f"its signal is told as '{message}'")
    return wrong


def _left(entry: Entry, found: Found) -> list[str]:
    return [f"{found.left} processes are left"] if found.left else []


def _gap(entry: Entry, found: Found) -> list[str]:
    numbers = _numbers(found.log)
    begins = [at for at, (_, number) in enumerate(numbers) if number == 0]
    wrong = [] if len(begins) <= entry.most_starts else [f"its log begins {len(begins)} times"]
    cuts = sorted({0, *begins})
    for begin, end in zip(cuts, [*cuts[1:], None], strict=True):
        wrong += _not_counted_up("its log", numbers[begin:end])
    if any(job.state == "succeeded" for job in found.jobs) and not _ended(found.log):
        wrong.append("its log lacks the last line")
    if entry.follower_fault:
        wrong.append(f"who followed it was left: {entry.follower_fault}")
    elif entry.told and _numbers(entry.told) != _numbers(found.log):
        wrong.append(
            f"who followed it was told {len(_numbers(entry.told))} lines of "
            f"{len(_numbers(found.log))}"
        )
    return wrong


def _events(entry: Entry, found: Found) -> list[str]:
    if not found.jobs:
        return [f"events of a job that is not there: {found.topics}"] if found.topics else []
    counted = Counter(found.topics)
    ends = sum(counted[topic] for topic in _FINAL_TOPICS)
    wrong = [] if ends == 1 else [f"its end was told {ends} times"]
    if counted["jobs.running"] > max(1, min(found.starts, entry.most_starts)):
        wrong.append(f"its start was told {counted['jobs.running']} times")
    if found.starts and not counted["jobs.running"] and not entry.stop_sent:
        wrong.append("it ran and nobody was told")
    if not counted["jobs.queued"]:
        wrong.append("nobody was told that it was queued")
    return wrong


def _numbers(lines: Sequence[str]) -> list[tuple[str, int]]:
    """The numbered lines, as what and which."""
    found = (_NUMBERED.match(line) for line in lines)
    return [(match[1], int(match[2])) for match in found if match]


def _not_counted_up(what: str, numbers: Sequence[tuple[str, int]]) -> list[str]:
    for expected, (_, number) in enumerate(numbers):
        if number != expected:
            return [f"{what} has line {number} where line {expected} belongs"]
    return []


def _ended(lines: Sequence[str]) -> bool:
    return any(what == "end" for what, _ in _numbers(lines))


_CHECKS = (
    ("lost", _lost),
    ("twice", _twice),
    ("cause", _cause),
    ("left", _left),
    ("gap", _gap),
    ("events", _events),
)
