"""Following running jobs: their curves, how far they are, and what is new since a cursor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.job_course import Curves, JobUpdate
from aimass_jupyter.contract.jobs import Job, Progress
from aimass_jupyter.contract.runs import MetricSummary
from aimass_server.jobs import logs
from aimass_server.jobs.watching import Watch, Watches

READERS_KEPT = 64
PROGRESS_TAG = "progress/fraction"
LOG_BYTES = 400_000

logger = logging.getLogger("aimass.jobs")

#: Tag, step, time, value.
Point = tuple[str, int, float, float]


def split_cursor(cursor: str) -> tuple[str, str, str, str]:
    """A cursor's parts: where points and logs ended, the state, and the damaged bytes then."""
    points, positions, state, damaged = (cursor.split(";", 3) + [""] * 4)[:4]
    return points, positions, state, damaged


class CurveReader(Protocol):
    """Reads a job's event files as they grow."""

    def read_new(self) -> None: ...

    def series_since(self, cursor: str, max_points: int | None = None) -> Curves: ...

    def summaries(self) -> dict[str, MetricSummary]: ...

    def ends(self, tag: str) -> tuple[Point, Point] | None: ...


class _Tail:
    """A job's reader, and how far the job is by what was read."""

    def __init__(self, reader: CurveReader) -> None:
        self.reader = reader
        self.lock = asyncio.Lock()
        self.began = -1.0
        self._progress = Progress()

    def read(self) -> None:
        """Read what was written since the last time."""
        self.reader.read_new()
        metrics = {tag: summary.last for tag, summary in self.reader.summaries().items()}
        fraction = metrics.pop(PROGRESS_TAG, None) or 0.0
        self._progress = Progress(
            fraction=min(1.0, max(0.0, fraction)), eta_seconds=self._left(), metrics=metrics
        )

    def progress(self) -> Progress:
        return self._progress

    def _left(self) -> float | None:
        """The time that is left, at the speed since the job was started, or started again."""
        ends = self.reader.ends(PROGRESS_TAG)
        if ends is None:
            return None
        (_, _, began, first), (_, _, now, fraction) = ends
        if not fraction > first:
            return None
        return max(0.0, (1 - fraction) * max(now - began, 1e-3) / (fraction - first))


class Follower:
    """Reads what jobs write, only new bytes, on behalf of everybody who looks."""

    def __init__(self, folder: Path, open_reader: Callable[[Path], CurveReader]) -> None:
        self._folder = folder
        self._open_reader = open_reader
        self._tails: OrderedDict[str, _Tail] = OrderedDict()
        self._watches = Watches()

    async def curves(self, job_id: str, cursor: str, max_points: int | None = None) -> Curves:
        """Points since a cursor; of a curve not more than so many."""
        tail = await self._fresh(job_id)
        return await asyncio.to_thread(tail.reader.series_since, cursor, max_points)

    async def summaries(self, job_id: str) -> dict[str, MetricSummary]:
        """What is known of each curve without its points; the progress is no curve."""
        tail = await self._fresh(job_id)
        found = await asyncio.to_thread(tail.reader.summaries)
        return {tag: summary for tag, summary in found.items() if tag != PROGRESS_TAG}

    def forget(self, job_id: str) -> None:
        """Let go of what was read: its files are deleted."""
        self._tails.pop(job_id, None)

    async def progress(self, job_id: str) -> Progress:
        """How far a job is, from its newest points."""
        return (await self._fresh(job_id)).progress()

    async def progress_of(self, job_ids: Iterable[str]) -> dict[str, Progress]:
        """How far several jobs are, read in one go; what others read just now is not read again."""
        tails = {job_id: self._tail(job_id) for job_id in job_ids}
        async with contextlib.AsyncExitStack() as locks:
            idle = [tail for tail in tails.values() if not tail.lock.locked()]
            for tail in idle:
                await locks.enter_async_context(tail.lock)
            await asyncio.to_thread(_read_each, idle)
        return {job_id: tail.progress() for job_id, tail in tails.items()}

    @contextlib.contextmanager
    def watching(self, job_id: str) -> Iterator[Watch]:
        """Be told when a job's files grow, for as long as the block runs."""
        folder = self._folder / job_id
        with self._watches.watching(folder, folder / "tb", folder / "log") as watch:
            yield watch

    async def update(self, job: Job, cursor: str, max_points: int | None = None) -> JobUpdate:
        """All that is new of a job since a cursor (``points;logs;state;damaged``)."""
        points, positions, _, damaged = split_cursor(cursor)
        tail = await self._fresh(job.id)
        curves = await asyncio.to_thread(tail.reader.series_since, points, max_points)
        damage = str(sum(gap.size_bytes for gap in curves.gaps))
        if not job.final:
            job = job.model_copy(update={"progress": tail.progress()})
        before = logs.parse_cursor(positions)
        folder = self._folder / job.id
        text, after = await asyncio.to_thread(
            logs.read, folder, before, None, LOG_BYTES, final=job.final
        )
        return JobUpdate(
            job=job,
            series=curves.series,
            gaps=curves.gaps if damage != (damaged or "0") else [],
            log=text,
            cursor=f"{curves.cursor};{logs.format_cursor(after)};{job.state};{damage}",
            end=job.final and after == before and not curves.series,
        )

    async def _fresh(self, job_id: str) -> _Tail:
        """The job's tail, after it has read what is new."""
        tail, asked = self._tail(job_id), time.monotonic()
        async with tail.lock:
            if tail.began < asked:  # else another one, who looks too, has just had it read
                tail.began = time.monotonic()
                await asyncio.to_thread(tail.read)
        return tail

    def _tail(self, job_id: str) -> _Tail:
        """The job's tail, as far as it was read."""
        if job_id not in self._tails:
            self._tails[job_id] = _Tail(self._open_reader(self._folder / job_id / "tb"))
        self._tails.move_to_end(job_id)
        while len(self._tails) > READERS_KEPT:
            self._tails.popitem(last=False)
        return self._tails[job_id]


def _read_each(tails: Iterable[_Tail]) -> None:
    for tail in tails:
        try:
            tail.read()
        except Exception:  # the others are read all the same
            logger.exception("the curves of a job could not be read")
