"""Results: what a job that ended well gave: a model, and its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import read_record
from aimass_server.jobs.following import Follower


class Results:
    """Takes results in.

    Parameters
    ----------
    register
        Takes in a job's bundle; returns ``name@version``.
    """

    def __init__(
        self, follower: Follower, register: Callable[[Job, Path], Awaitable[str]]
    ) -> None:  # fmt: skip
        self._follower = follower
        self._register = register

    async def register(self, job: Job, bundle: Path) -> str | None:
        """The model that a job gave; own code need not give one, and a dry run gives none."""
        gave_none = job.source is not None and not await asyncio.to_thread(bundle.exists)
        return None if job.options.dry_run or gave_none else await self._register(job, bundle)

    async def metrics_of(self, job: Job, folder: Path) -> dict[str, Any]:
        """What it said at the end; of a script, the last points of its curves."""
        record = read_record(folder / "metrics.json")
        if record is None and job.source is not None:
            return dict((await self._follower.progress(job.id)).metrics)
        return dict((record or {}).get("metrics", {}))
