"""Runs without a job: a program elsewhere sends their events, and is heard of, or not.

What arrives is appended to one event file of ours at the offset that it is for, so that a request
may be repeated. A run of which nothing is heard for a while is taken for lost; when its program
is heard of again, it goes on. No path comes from a client.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.errors import Conflict, InvalidRequest, TooLarge
from aimass_jupyter.contract.ids import Clock, new_id, utc_now
from aimass_jupyter.contract.jobs import Cause, JobState
from aimass_jupyter.contract.runs import MetricSummary, Run
from aimass_jupyter.contract.tracked import (
    MAX_PARAMS,
    RunAppend,
    RunEnd,
    RunParams,
    RunReceived,
    RunStart,
)
from aimass_jupyter.host import write_record
from aimass_server.access import Call, require_owner
from aimass_server.store import Store, runs, tracked_runs
from aimass_server.store.blobs import storage_errors
from aimass_server.tracking.records import HEADER_BYTES, Damaged, cut

EVENTS = "tb/events.out.tfevents.tracked"
NAMED = "run.json"
_LOOKS = 4  # in the time after which a run is taken for lost

logger = logging.getLogger("aimass.tracking")


class Summaries(Protocol):
    """Knows the curves of runs by their event files."""

    async def summaries(self, job_id: str) -> dict[str, MetricSummary]: ...


class TrackedRuns:
    """What can be asked of runs that have no job.

    Parameters
    ----------
    folder
        ``<data>/runs``: a folder a run.
    limit_bytes
        Of the events of one run.
    lost_after_seconds
        Nothing heard of a run for so long: it is taken for lost.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        source: Summaries,
        limit_bytes: int,
        lost_after_seconds: float,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._folder = folder
        self._source = source
        self._limit_bytes = limit_bytes
        self._lost_after = lost_after_seconds
        self._clock = clock
        self._heard: dict[str, float] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Expect to hear of the runs that go on."""
        for run_id in await self._store.read(tracked_runs.going_on):
            self._heard[run_id] = time.monotonic()
        self._looking = asyncio.create_task(self._look_often(), name="aimass-tracked-runs")

    async def close(self) -> None:
        """Stop looking; runs go on."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def start(self, call: Call, request: RunStart) -> Run:
        """Make a run, and the folder that its events go to."""
        run_id, now = new_id("run"), self._clock()
        with storage_errors():
            await asyncio.to_thread(self._make_folder, run_id, request.name)
        run = await self._store.write(
            lambda c: tracked_runs.insert(c, run_id, request, call.user, call.tenant, now)
        )
        self._heard[run.id] = time.monotonic()
        return run

    async def append(
        self, call: Call, request: RunAppend, chunks: AsyncIterator[bytes]
    ) -> RunReceived:
        """Take events of a run, and that it is heard of."""
        run = await self._own(call, request.run)
        if run.state not in ("running", "lost"):
            raise Conflict(f"run '{run.name}' has ended: it {run.state}", "start another one")
        async with self._locks[run.id]:
            with storage_errors():
                size = await self._take(run, request.offset, chunks)
        self._heard[run.id] = time.monotonic()
        if run.state == "lost":
            await self._store.write(lambda c: tracked_runs.go_on(c, run.id, call.user))
        return RunReceived(run=run.id, received_bytes=size)

    async def params(self, call: Call, request: RunParams) -> Run:
        """Add parameters to a run."""
        run = await self._own(call, request.run)
        if not request.params:
            raise InvalidRequest(
                "no parameter was named", f"for example: runs params {run.name} --lr 0.1"
            )
        given = request.params
        return await self._store.write(lambda c: tracked_runs.add_params(c, run, given, MAX_PARAMS))

    async def end(self, call: Call, request: RunEnd) -> Run:
        """End a run."""
        run = await self._own(call, request.run)
        ends = {
            "succeeded": Cause(code="finished", message=request.message or "it finished"),
            "failed": Cause(code="error", message=request.message or "it failed"),
            "stopped": Cause(code="stopped", message=request.message or f"stopped by {call.user}"),
        }
        return await self._end(run.id, request.state, ends[request.state], call.user)

    def _make_folder(self, run_id: str, name: str) -> None:
        (self._folder / run_id / "tb").mkdir(parents=True, mode=0o700)
        write_record(self._folder / run_id / NAMED, {"name": name})

    async def _take(self, run: Run, offset: int, chunks: AsyncIterator[bytes]) -> int:
        """Append what is not there yet; returns how much there is."""
        file = await asyncio.to_thread(EventsFile.open, self._folder / run.id / EVENTS, run.name)
        try:
            async for chunk in chunks:
                if offset + len(chunk) > self._limit_bytes:
                    raise TooLarge(
                        f"the events of run '{run.name}' would be more than {self._limit_bytes} "
                        "bytes",
                        "log less often, or have AimassApp.max_upload_bytes raised",
                    )
                await asyncio.to_thread(file.put, offset, chunk)
                offset += len(chunk)
            return await asyncio.to_thread(file.sync)
        finally:
            file.close()

    async def _end(self, run_id: str, state: JobState, cause: Cause, actor: str) -> Run:
        summaries = await self._source.summaries(run_id)
        now = self._clock()
        ended = await self._store.write(
            lambda c: tracked_runs.end(c, run_id, state, cause, now, summaries, actor)
        )
        self._heard.pop(run_id, None)
        self._locks.pop(run_id, None)
        return ended

    async def _own(self, call: Call, reference: str) -> Run:
        run = await self._store.read(lambda c: runs.get(c, reference, call.tenant))
        require_owner(call.principal, run.owner, f"run '{run.name}'")
        if run.job:
            raise Conflict(
                f"run '{run.name}' is that of job {run.job}, which writes it itself",
                "start one of your own: runs start NAME",
            )
        return run

    async def _look_often(self) -> None:
        while True:
            await asyncio.sleep(self._lost_after / _LOOKS)
            try:
                await self.look(time.monotonic())
            except Exception:  # the next look tries again
                logger.exception("the runs without a job could not be looked after")

    async def look(self, now: float) -> None:
        """Take the runs for lost of which nothing was heard for long by ``now`` (monotonic)."""
        for run_id, heard in list(self._heard.items()):
            if now - heard > self._lost_after:
                cause = Cause(
                    code="abandoned",
                    message="nothing was heard of the program that tracked it for "
                    f"{now - heard:.0f} s: it was ended, or cannot reach this server",
                )
                await self._end(run_id, "lost", cause, "the server")


class EventsFile:
    """The event file of one run, to be written at offsets."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._size = os.fstat(descriptor).st_size

    @classmethod
    def open(cls, path: Path, name: str) -> EventsFile:
        """Open it, make it when it is not there; blocks on the disk."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return cls(os.open(path, flags, 0o600), name)

    def put(self, offset: int, content: bytes) -> None:
        """Write bytes where they belong; of what is there, only check that it is the same.

        Raises
        ------
        Conflict
            When they belong beyond the end, or others are there.
        InvalidRequest
            When they begin the file and are no events.
        """
        if offset > self._size:
            raise Conflict(
                f"the events of run '{self._name}' end at byte {self._size:,}, and these are for "
                f"byte {offset:,}",
                f"send all from byte {self._size} on",
            )
        known = content[: self._size - offset]
        if os.pread(self._descriptor, len(known), offset) != known:
            raise Conflict(
                f"run '{self._name}' has other events at byte {offset:,}",
                "one event file a run: start another run for another file",
            )
        if not self._size and len(content) >= HEADER_BYTES and isinstance(cut(content, 0), Damaged):
            raise InvalidRequest(
                "these bytes are no TensorBoard events", "send a file events.out.tfevents.…"
            )
        self._write(content[len(known) :])

    def sync(self) -> int:
        """Have it on the disk; returns how much there is."""
        os.fdatasync(self._descriptor)
        return self._size

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.pwrite(self._descriptor, view, self._size)
            self._size += written
            view = view[written:]
