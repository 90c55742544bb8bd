"""A tracking room over a real store, with jobs that are rows and files alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import Job, JobState
from aimass_jupyter.training.events import EventWriter
from aimass_server.access import Call, Principal
from aimass_server.jobs.following import Follower
from aimass_server.store import Store, jobs
from aimass_server.tracking import EventFileReader, Experiments, Place, Runs, TrackedRuns


class Tracking:
    """Two rooms, and jobs for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "aimass.db")
        self.follower = Follower(folder / "jobs", EventFileReader)
        alone = Follower(folder / "runs", EventFileReader)
        self.tracked = TrackedRuns(self.store, folder / "runs", alone, 1 << 20, 30.0)
        self.runs = Runs(
            self.store,
            Place(folder / "jobs", self.follower),
            Place(folder / "runs", alone),
            self.tracked,
        )
        self.experiments = Experiments(self.store, self.runs)
        self._loop = asyncio.new_event_loop()
        self.store.open()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.store.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def job(
        self,
        name: str = "digits",
        *,
        owner: str = "ada",
        tenant: str = "default",
        ended: JobState | None = "succeeded",
        days_ago: float = 0,
        curves: dict[str, list[float]] | None = None,
        metrics: dict[str, float | None] | None = None,
        params: dict[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """A job that wrote curves, and ended, or did not."""
        job = Job(
            id=new_id("job"), name=name, owner=owner, tenant=tenant, state="queued",
            engine="single", np=1, dataset="d@1", algorithm="classification",
            params=params or {}, seed=0, created_at=utc_now(), options=JobOptions(**options),
        )  # fmt: skip
        self.do(self.store.write(lambda c: jobs.insert(c, job, "0" * 64, "label")))
        self._write(job, curves or {})
        if ended is None:
            return job
        summaries = self.do(self.follower.summaries(job.id))
        moment = utc_now() - timedelta(days=days_ago)
        changes = {"ended_at": moment, "metrics": metrics or {}}
        ending = lambda c: jobs.end(c, job.id, ("queued",), ended, summaries, **changes)  # noqa: E731
        return self.do(self.store.write(ending))  # type: ignore[no-any-return]

    def _write(self, job: Job, curves: dict[str, list[float]]) -> None:
        folder = self.folder / "jobs" / job.id
        (folder / "log").mkdir(parents=True)
        (folder / "log" / "rank-0.log").write_text("hello\n")
        writer = EventWriter(folder / "tb")
        for tag, values in curves.items():
            for step, value in enumerate(values):
                writer.add(tag, value, step)
        writer.close()


def call(user: str = "ada", role: Any = "author", tenant: str = "default") -> Call:
    return Call(Principal(user, role, tenant), "runs.test")


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[Tracking]:
    tracking = Tracking(tmp_path)
    yield tracking
    tracking.close()
