"""Following running jobs: their curves, how far they are, and what is new since a cursor."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.jobs import Curves, Job, JobUpdate, Progress
from aimass_server.jobs import logs

READERS_KEPT = 64
PROGRESS_TAG = "progress/fraction"
LOG_BYTES = 400_000


class CurveReader(Protocol):
    """Reads a job's event files as they grow."""

    def read_new(self) -> None: ...

    def series_since(self, cursor: str) -> Curves: ...

    def latest(self) -> dict[str, float | None]: ...

    def remaining_seconds(self, tag: str) -> float | None: ...


class Follower:
    """Reads what jobs write, only new bytes, on behalf of everybody who looks."""

    def __init__(self, folder: Path, open_reader: Callable[[Path], CurveReader]) -> None:
        self._folder = folder
        self._open_reader = open_reader
        self._readers: OrderedDict[str, tuple[CurveReader, asyncio.Lock]] = OrderedDict()

    async def curves(self, job_id: str, cursor: str) -> Curves:
        """Points since a cursor."""
        reader = await self._fresh(job_id)
        return await asyncio.to_thread(reader.series_since, cursor)

    async def progress(self, job_id: str) -> Progress:
        """How far a job is, from its newest points."""
        reader = await self._fresh(job_id)
        values = reader.latest()
        fraction = values.pop(PROGRESS_TAG, None) or 0.0
        return Progress(
            fraction=min(1.0, max(0.0, fraction)),
            eta_seconds=reader.remaining_seconds(PROGRESS_TAG),
            metrics=values,
        )

    async def update(self, job: Job, cursor: str) -> JobUpdate:
        """All that is new of a job since a cursor (``points;logs``)."""
        points, _, positions = cursor.partition(";")
        curves = await self.curves(job.id, points)
        before = logs.parse_cursor(positions)
        folder = self._folder / job.id
        text, after = await asyncio.to_thread(logs.read, folder, before, None, LOG_BYTES)
        return JobUpdate(
            job=job, series=curves.series, gaps=curves.gaps, log=text,
            cursor=f"{curves.cursor};{logs.format_cursor(after)}",
            end=job.final and after == before and not curves.series,
        )  # fmt: skip

    def forget(self, job_id: str) -> None:
        """Let go of a job's points."""
        self._readers.pop(job_id, None)

    async def _fresh(self, job_id: str) -> CurveReader:
        """The job's reader, after it has read what is new."""
        if job_id not in self._readers:
            reader = self._open_reader(self._folder / job_id / "tb")
            self._readers[job_id] = (reader, asyncio.Lock())
        self._readers.move_to_end(job_id)
        while len(self._readers) > READERS_KEPT:
            self._readers.popitem(last=False)
        reader, lock = self._readers[job_id]
        async with lock:
            await asyncio.to_thread(reader.read_new)
        return reader
