"""Starting a job: its folder is laid out, then its supervisor is forked or started.

Who starts, and when, is the scheduler's; how it goes on is seen by the runner.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aimass_jupyter.contract.errors import AimassError, Conflict, Expired
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Cause, Job, JobSpec
from aimass_jupyter.host import read_record
from aimass_server.jobs.orders import Orders
from aimass_server.programs import Program, Warm
from aimass_server.store import Connection, Store, jobs

START_SECONDS = 20.0
_FIRST_STEP_SECONDS = 0.03  # the ranks have the processors to themselves for so long


class Starts:
    """Starts jobs.

    Parameters
    ----------
    guarded
        Does a step for one job; its fault keeps no other job waiting.
    end
        Ends a job that could not be started.
    """

    def __init__(
        self,
        store: Store,
        orders: Orders,
        warm: Warm,
        python: str,
        guarded: Callable[[Job, Callable[[Job], Awaitable[None]]], Coroutine[Any, Any, None]],
        end: Callable[[Job, Cause], Awaitable[Job]],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._orders = orders
        self._warm = warm
        self._python = python
        self._guarded = guarded
        self._end = end
        self._wake = wake
        self._due: dict[str, float] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for no start any more; what was started goes on."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def due(self, job_id: str) -> float | None:
        """Monotonic time by which the supervisor of a job that we started must have its lock."""
        return self._due.get(job_id)

    def forget(self, job_id: str) -> None:
        """It has started and ended, or is queued again."""
        self._due.pop(job_id, None)

    async def start(self, job: Job) -> None:
        """Write what the job's processes read, then start its supervisor."""
        try:
            job, (digest, label) = await self._store.write(partial(_begin, job))
        except Conflict:  # stopped meanwhile
            return
        try:
            await self._order(job, self._orders.spec(job, digest, label))
        except (AimassError, OSError) as error:  # this job's own fault: the others go on
            await self._end_unstarted(job, error)
            return
        waiting = asyncio.create_task(self._guarded(job, self._launch))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def _order(self, job: Job, spec: JobSpec) -> None:
        self._due[job.id] = time.monotonic() + START_SECONDS
        await asyncio.to_thread(self._orders.write, job, spec)

    async def _launch(self, job: Job) -> None:
        """Start the supervisor, warm if there is a way; do a pass soon after it has begun."""
        program = self._orders.program_of(job)
        if not await self._warm.start(program.folder):
            try:
                await asyncio.to_thread(program.start_ordered, self._python)
            except OSError as error:
                await self._end_unstarted(job, error)
                return
            with contextlib.suppress(Expired):  # the rounds see to one that does not come
                await program.wait_started()
        await asyncio.sleep(_FIRST_STEP_SECONDS)
        self._wake()
        await asyncio.to_thread(self._orders.settle, job)

    async def _end_unstarted(self, job: Job, error: AimassError | OSError) -> None:
        cause = Cause(code="not-started", message=f"the job could not be started: {error}")
        await self._end(job, cause)

    async def note_started(self, job: Job, program: Program) -> None:
        """Say in its row since when it runs, and how it was started."""
        record = read_record(program.folder / "started.json") or {}
        values = {"started_at": time_of(record, "started_at"), "start": record.get("start")}
        await self._store.write(lambda c: jobs.move(c, job.id, ("starting",), "running", **values))


def _begin(job: Job, connection: Connection) -> tuple[Job, tuple[str, str]]:
    """Have a job start; gives it with what it reads: the digest of its data, and its label."""
    changes = {
        "np": job.np,
        "places": [place.model_dump() for place in job.places],
        "devices": job.devices,
    }
    started = jobs.move(connection, job.id, ("queued",), "starting", **changes)
    return started, jobs.inputs(connection, job.id)


def time_of(record: dict[str, Any] | None, field: str) -> datetime:
    """A time from a record of the supervisor."""
    value = (record or {}).get(field)
    return datetime.fromisoformat(value).astimezone(UTC) if value else utc_now()
