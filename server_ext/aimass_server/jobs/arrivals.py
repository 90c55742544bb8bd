"""Arrivals: when a waiting job starts if work comes in while it waits as it came in lately.

A forecast of the queue as it is tells each wait too short wherever jobs of higher priority, or of
people who used less, keep coming: they go first. So of those that came in as long a time before as
the job is said to wait every second one is expected again, and the forecast is made anew, until it
moves no more. Every second one, for work comes in sweeps: all of them tell a wait after a sweep far
too long, none tells it too short where work comes in evenly. Nothing is read or stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.picture import Picture, Waiting
from aimass_server.jobs.queue import forecast

_KEPT = 200
_ROUNDS = 3
_SETTLED = 0.05  # a forecast that moves by less of the wait is taken
#: Where more than these wait, those who may come weigh little, and a forecast takes long.
_FEW = 500


@dataclass(frozen=True)
class Arrival:
    """A job that came in lately: when (seconds since the epoch), and as the queue saw it."""

    at: float
    job: Waiting


class Arrivals:
    """The jobs that came in lately, as far as this control plane saw them come."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def note(self, new: Iterable[Job]) -> None:
        """Take in jobs that came in, oldest first; one that is known comes but once."""
        self._jobs |= {job.id: job for job in new if not job.attended}
        self._jobs = dict(list(self._jobs.items())[-_KEPT:])

    def of(self, cluster_id: str, seen: Callable[[Job], Waiting]) -> list[Arrival]:
        """Those of a cluster, as the queue sees each."""
        return [
            Arrival(job.created_at.timestamp(), seen(job))
            for job in self._jobs.values()
            if job.cluster_id == cluster_id
        ]


def foretell(picture: Picture, wanted: str, lately: Iterable[Arrival]) -> float | None:
    """When a waiting job starts, in seconds since the epoch; None when that is never."""
    starts = forecast(picture, wanted)
    if starts is None or len(picture.waiting) > _FEW:
        return starts
    arrivals = list(lately)
    for _ in range(_ROUNDS):
        wait = starts - picture.now
        coming = _again(arrivals, picture.now, wait)
        later = forecast(_with(picture, coming), wanted) if coming else None
        if later is None or later - starts <= _SETTLED * wait:
            break
        starts = later
    return starts


def _again(arrivals: list[Arrival], now: float, wait: float) -> list[Waiting]:
    """Half of those that came within such a time before, as they come within it after."""
    came = [arrival for arrival in arrivals if arrival.at > now - wait]
    return [
        replace(arrival.job, id=f"{arrival.job.id} again", not_before=arrival.at + wait, after=())
        for arrival in came[::2]
    ]


def _with(picture: Picture, coming: list[Waiting]) -> Picture:
    return replace(picture, waiting=[*picture.waiting, *coming])
