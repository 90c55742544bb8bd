"""When jobs were said to start, over a recorded mix: the scheduler lives through it again.

``benchmarks/estimates.py`` made the record, on a real control plane of four slots: 200 jobs of
three people, when each came, ran and ended, and when it was asked about.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs import scheduler as scheduling
from aimass_server.jobs.ledger import Quotas
from aimass_server.jobs.picture import Limits
from aimass_server.jobs.scheduler import Scheduler
from aimass_server.store import Store, jobs

MIX = Path(__file__).with_name("recorded_mix.jsonl")
LEAST_WAIT_SECONDS = 1.0  # whoever waits for less does not ask
LIMIT = 0.25

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Event:
    """What happened to a job, and when."""

    at: datetime
    what: str
    job: Job


def _read() -> tuple[int, list[Event]]:
    """The slots of the machine, and all that happened, in the order of time."""
    head, *lines = map(json.loads, MIX.read_text(encoding="utf-8").splitlines())
    found = [Job.model_validate(line["job"]) for line in lines if "job" in line]
    assert len(found) >= 200
    by_id = {job.id: job for job in found}
    events = [event for job in found for event in _course(job)]
    for id_, at, _ in (line["asked"] for line in lines if "asked" in line):
        events.append(Event(datetime.fromtimestamp(at, UTC), "asked", by_id[id_]))
    return head["slots"], sorted(events, key=lambda event: event.at)


def _course(job: Job) -> list[Event]:
    """A job comes, runs (again and again where it made room for others), and ends."""
    events = [Event(job.created_at, "came", job)]
    for attempt in job.attempts:
        events += [Event(attempt.started_at, "began", job), Event(attempt.ended_at, "again", job)]
    if job.started_at is not None:
        events.append(Event(job.started_at, "began", job))
    assert job.ended_at is not None
    return [*events, Event(job.ended_at, "ended", job)]


class Machine:
    """One machine; how much memory it has nobody said."""

    def nodes_of(self, cluster_id: str) -> list[Any]:
        return [SimpleNamespace(memory_bytes=0, gpus=0)]


class Replay:
    """The scheduler, told of all that happened when it happened."""

    def __init__(self, store: Store, slots: int) -> None:
        machine: Any = Machine()
        self._scheduler = Scheduler(
            store, Limits(slots), machine, lambda _: None, lambda *_: None, Quotas()
        )
        self._store = store
        self._told: dict[str, list[tuple[datetime, float]]] = {}
        self.errors: list[float] = []

    async def live(self, event: Event) -> None:
        """Let one thing happen."""
        await getattr(self, f"_{event.what}")(event)

    async def _came(self, event: Event) -> None:
        new = {"state": "queued", "started_at": None, "ended_at": None, "attempts": []}
        job = event.job.model_copy(update=new)
        await self._store.write(lambda c: jobs.insert(c, job, "", ""))
        await self._scheduler.look()

    async def _began(self, event: Event) -> None:
        id_, at = event.job.id, event.at
        await self._store.write(lambda c: jobs.move(c, id_, ("queued",), "running", started_at=at))
        for asked, told in self._told.pop(id_, []):
            wait = (at - asked).total_seconds()
            if wait >= LEAST_WAIT_SECONDS:
                self.errors.append(abs(told - wait) / wait)

    async def _again(self, event: Event) -> None:
        id_ = event.job.id
        await self._store.write(
            lambda c: jobs.move(c, id_, ("running",), "queued", started_at=None)
        )
        self._scheduler.forget(id_)

    async def _ended(self, event: Event) -> None:
        job = event.job
        await self._store.write(
            lambda c: jobs.move(c, job.id, ("running", "queued"), job.state, ended_at=job.ended_at)
        )
        self._scheduler.learn([job])

    async def _asked(self, event: Event) -> None:
        id_, at = event.job.id, event.at
        job = await self._store.read(lambda c: jobs.by_id(c, id_))
        told = (await self._scheduler.why(job)).starts_in_seconds
        if told is not None:
            self._told.setdefault(id_, []).append((at, told))


async def _errors(store: Store, set_clock: Callable[[datetime], None]) -> list[float]:
    slots, events = _read()
    replay = Replay(store, slots)
    for event in events:
        set_clock(event.at)
        await replay.live(event)
    return replay.errors


def test_when_jobs_should_start_is_told_within_a_quarter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "aimass.db")
    store.open()

    def set_clock(at: datetime) -> None:
        monkeypatch.setattr(scheduling, "utc_now", lambda: at)

    errors = asyncio.run(_errors(store, set_clock))
    store.close()
    assert len(errors) > 150
    assert statistics.median(errors) < LIMIT
