"""Preemption: which running jobs are stopped, their state kept, for more urgent ones that wait.

The choice is a pure function over a picture of the queue; nothing is stopped here. Only a job that
is high or urgent is made room for, only by jobs of lower priority, only where that lets it start,
and by no more of them than it takes; those that would lose least work go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import newest_below
from aimass_server.jobs.picture import (
    Decision,
    Free,
    Picture,
    Running,
    Waiting,
    free_of,
    give_back,
    ranks_free,
    take,
)
from aimass_server.jobs.placement import Room, place
from aimass_server.jobs.queue import decide
from aimass_server.jobs.turns import in_order

PRESSING = 2  # the lowest priority that others are stopped for: high
STOPPING_SECONDS = 3.0  # what a job takes to keep its state and end, as a rule


def victims(picture: Picture, decision: Decision) -> dict[str, str]:
    """The jobs to stop, each with the waiting job that it makes room for."""
    rooms = picture.limits.rooms
    free = _soon_free(picture, decision)
    may = [job for job in picture.running if job.lost is not None and not job.leaving]
    may.sort(key=lambda job: (job.priority, job.lost, job.id))
    found: dict[str, str] = {}
    for job in _pressing(picture, decision):
        left = [other for other in may if other.id not in found and other.priority < job.priority]
        chosen = _fewest(job, left, free, rooms)
        if chosen is None:
            continue
        for other in chosen:
            give_back(free, other.where, other.each)
            found[other.id] = job.id
        take(free, _home(job, free, rooms) or {}, job.each)
    return found


def _soon_free(picture: Picture, decision: Decision) -> Free:
    """What is free once those that were asked to end have ended and those that start have begun."""
    staying = [job for job in picture.running if not job.leaving]
    free = free_of(picture.limits.rooms, staying)
    each = {job.id: job.each for job in picture.waiting}
    for id_, places in decision.places.items():
        take(free, places, each[id_])
    return free


def _pressing(picture: Picture, decision: Decision) -> Iterable[Waiting]:
    """The jobs worth it that nothing but a lack of room keeps, in the order of their turn."""
    for job in in_order(picture.waiting, picture.used, picture.now):
        blocker = decision.blocked.get(job.id)
        if job.priority >= PRESSING and blocker and blocker.kind in ("slots", "priority"):
            yield job


def _fewest(
    job: Waiting, may: list[Running], free: Free, rooms: tuple[Room, ...]
) -> list[Running] | None:
    """Those that must go for a job to start, from the cheapest on; None when none would do."""
    chosen: list[Running] = []
    for other in [None, *may]:
        chosen += [other] if other else []
        if _home(job, _without(free, chosen), rooms):
            break
    else:
        return None
    for other in list(reversed(chosen)):  # the dearest may turn out not to be needed
        fewer = [one for one in chosen if one is not other]
        if _home(job, _without(free, fewer), rooms):
            chosen = fewer
    return chosen


def _without(free: Free, gone: list[Running]) -> Free:
    left = dict(free)
    for job in gone:
        give_back(left, job.where, job.each)
    return left


def _home(job: Waiting, free: Free, rooms: tuple[Room, ...]) -> dict[str, int] | None:
    ranks = ranks_free(free, job.each)
    return place(ranks, rooms, job.wants, job.user[0], job.least, job.least)


class Stake(NamedTuple):
    """What a running job risks if it is stopped.

    Attributes
    ----------
    lost
        Seconds of its work that would be lost.
    since
        From when on it may be stopped, as seconds since the epoch.
    """

    lost: float
    since: float


def with_room_made(
    picture: Picture, stakes: Mapping[str, Stake], again: Callable[[str], Waiting]
) -> Picture:
    """The picture as it will be: jobs that will be stopped end then, and wait for their next turn.

    Parameters
    ----------
    stakes
        Of the running jobs that may be stopped, now or later.
    again
        A running job as one that waits.
    """
    lost = {id_: stake.lost for id_, stake in stakes.items()}
    running = [replace(job, lost=lost.get(job.id)) for job in picture.running]
    pretended = replace(picture, running=running)
    found = victims(pretended, decide(pretended))
    running, back = [], []
    for job in picture.running:
        ends = job.ends
        if job.id in found:
            ends = min(ends, max(picture.now, stakes[job.id].since) + STOPPING_SECONDS)
        if ends < job.ends:
            back.append(replace(again(job.id), seconds=job.ends - ends, not_before=ends))
        running.append(replace(job, ends=ends))
    return replace(picture, running=running, waiting=[*picture.waiting, *back])


@dataclass(frozen=True)
class Policy:
    """What an administrator allows.

    Attributes
    ----------
    grace_seconds
        So long after its start a job is left alone.
    interval_seconds
        So long after it was stopped for another one it is not stopped again.
    """

    allowed: bool = True
    grace_seconds: float = 60.0
    interval_seconds: float = 600.0

    def stake(self, job: Job, folder: Path, now: float) -> Stake | None:
        """What a running job risks if it is stopped; None where it may never be.

        It looks at the job's checkpoints; blocks on the disk.
        """
        if not self.allowed or job.options.uninterrupted or job.options.dry_run:
            return None
        newest = _newest_checkpoint(folder)
        if newest is None and not _keeps_state(job):
            return None
        begun = job.started_at.timestamp() if job.started_at else now
        stops = [a.ended_at.timestamp() for a in job.attempts if a.cause.code == "preempted"]
        rested = stops[-1] + self.interval_seconds if stops else 0.0
        lost = max(0.0, now - max(newest or 0.0, begun))
        return Stake(lost, max(begun + self.grace_seconds, rested))


def _keeps_state(job: Job) -> bool:
    """Whether it surely writes a checkpoint when it is asked to leave: own code need not."""
    return job.kind == "training" and job.source is None


def _newest_checkpoint(folder: Path) -> float | None:
    """When the newest checkpoint of a job was written."""
    return newest_below(folder / "checkpoints", "step-*.safetensors")


def reason(job: Job, tenant: str) -> str:
    """Why a job of a tenant is stopped for this one, in words; another tenant's is not named."""
    at = datetime.now(UTC).strftime("%H:%M UTC")
    who = f"job '{job.name}' ({job.id})" if job.tenant == tenant else "a job of another tenant"
    return f"stopped at {at} for {who}, whose priority is higher"
