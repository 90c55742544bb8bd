"""Results: what a job that ended well gave: a model, a dataset version, a file, its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.job_kinds import WORK
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import read_record
from aimass_server.jobs.following import Follower

#: Takes in what a job left; returns ``name@version``.
Take = Callable[[Job, Path], Awaitable[str]]


@dataclass(frozen=True)
class Gave:
    """What came of a job, as its row says it."""

    model: str | None = None
    result: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)


class Results:
    """Takes results in.

    Parameters
    ----------
    register_model
        Takes in a job's bundle.
    take_dataset
        Takes in what an import left in its folder.
    let_go
        Lets go of what a job read, now that it has ended.
    """

    def __init__(
        self,
        follower: Follower,
        register_model: Take,
        take_dataset: Take,
        let_go: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._let_go = let_go
        self._follower = follower
        self._register_model = register_model
        self._take_dataset = take_dataset

    async def take(self, job: Job, folder: Path) -> Gave:
        """Take in what a job gave; twice is once.

        Raises
        ------
        AimassError
            When it cannot be taken in.
        """
        if job.kind == "training":
            model = await self._model(job, folder / "bundle.aimass")
            return Gave(model=model, metrics=await self._metrics_of(job, folder))
        if WORK[job.kind].gives == "dataset":
            return Gave(result=await self._take_dataset(job, folder))
        record = await asyncio.to_thread(read_record, folder / "result.json") or {}
        return Gave(result=record.get("result"), metrics=await self._metrics_of(job, folder))

    async def let_go(self, job: Job) -> None:
        """Free what a job that has ended read and nobody else needs."""
        if job.input is not None:
            await self._let_go(job)

    async def _model(self, job: Job, bundle: Path) -> str | None:
        """The model that a job gave; own code need not give one, and a dry run gives none."""
        gave_none = job.source is not None and not await asyncio.to_thread(bundle.exists)
        return None if job.options.dry_run or gave_none else await self._register_model(job, bundle)

    async def _metrics_of(self, job: Job, folder: Path) -> dict[str, Any]:
        """What it said at the end; of a script, the last points of its curves."""
        record = await asyncio.to_thread(read_record, folder / "metrics.json")
        if record is None and job.source is not None:
            return dict((await self._follower.progress(job.id)).metrics)
        return dict((record or {}).get("metrics", {}))
