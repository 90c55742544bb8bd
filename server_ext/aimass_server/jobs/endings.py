"""What comes of a job whose processes are gone: it gave something, failed, or goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from aimass_jupyter.contract.errors import AimassError, InsufficientStorage
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Attempt, Cause, Job, JobState
from aimass_jupyter.contract.quantities import counted
from aimass_server.jobs.following import Follower
from aimass_server.jobs.orders import GRACE_SECONDS
from aimass_server.jobs.results import Results
from aimass_server.jobs.returning import goes_back, put_back, send_back, stopped_by_person
from aimass_server.jobs.scheduler import Scheduler
from aimass_server.jobs.starting import time_of
from aimass_server.jobs.telling import Telling
from aimass_server.programs import Program
from aimass_server.store import Store, jobs


class Endings:
    """Ends jobs.

    Parameters
    ----------
    forget
        Called for a job that no process belongs to any more.
    """

    def __init__(
        self,
        store: Store,
        follower: Follower,
        telling: Telling,
        scheduler: Scheduler,
        results: Results,
        forget: Callable[[str], None],
    ) -> None:
        self._store = store
        self._follower = follower
        self._telling = telling
        self._scheduler = scheduler
        self._results = results
        self._forget = forget
        #: The last job that was started warm and has ended since this was last set to None.
        self.warm: Job | None = None

    async def end(
        self,
        job: Job,
        state: JobState,
        cause: Cause,
        *,
        allowed: tuple[JobState, ...] = ("starting", "running", "stopping"),
        **changes: Any,
    ) -> Job:
        """Move a job to a final state."""
        values = {"ended_at": utc_now(), **changes, "cause": cause.model_dump(mode="json")}
        summaries = await self._follower.summaries(job.id)
        ended = await self._store.write(
            lambda c: jobs.end(c, job.id, allowed, state, summaries, **values)
        )
        self._scheduler.learn([ended])
        if ended.start == "warm" and ended.kind == "training":
            self.warm = ended
        self._forget(job.id)
        await self._results.let_go(ended)
        return ended

    async def fail_unstarted(self, job: Job, cause: Cause) -> Job:
        """End a job that could not be started."""
        return await self.end(job, "failed", cause)

    async def note_ended(self, job: Job, program: Program) -> None:
        """Its supervisor has said how it ended."""
        job = await self._telling.note_course(job)
        record = program.exit_record or {}
        cause = _cause_of(record)
        seen: dict[str, Any] = {"ended_at": time_of(record, "ended_at")}
        if peak := record.get("peak_memory_bytes"):
            seen["peak_memory_bytes"] = peak
        if cause.code == "finished":
            await self._note_finished(job, program, cause, seen)
        elif not await self._sent_back(job, program, cause, seen["ended_at"]):
            await self.end(job, "stopped" if cause.code == "stopped" else "failed", cause, **seen)

    async def _sent_back(
        self, job: Job, program: Program, cause: Cause, ended: datetime | None = None
    ) -> bool:
        """Queue a job again that ended by no fault of its own; False when its end is the last."""
        if by := await asyncio.to_thread(stopped_by_person, program.folder):
            if cause.code == "preempted":  # asked for while it kept its state
                stopped = Cause(code="stopped", message=f"stopped by {by}")
                await self.end(job, "stopped", stopped)
                return True
            return False
        if not goes_back(job, cause):
            return False
        attempts = await asyncio.to_thread(put_back, program.folder, job, cause, ended)
        await self.queue_again(job, attempts)
        return True

    async def queue_again(self, job: Job, attempts: list[Attempt]) -> None:
        """Put a job back whose folder is ready for another run."""
        await send_back(self._store, job, attempts)
        self._scheduler.forget(job.id)
        self._forget(job.id)

    async def _note_finished(
        self, job: Job, program: Program, cause: Cause, seen: dict[str, Any]
    ) -> None:
        """Take in what it gave, then end the job; a full disk is waited out."""
        try:
            gave = await self._results.take(job, program.folder)
        except InsufficientStorage as error:
            if job.attended:  # whoever waits is told
                full = Cause(code="disk-full", message=error.message)
                await self.end(job, "failed", full)
                return
            done = "trained; its model" if job.kind == "training" else "done; its result"
            waiting = Cause(code="disk-full", message=f"{done} waits: {error}")
            if job.cause != waiting:
                await self._store.write(
                    lambda c: jobs.move(c, job.id, (job.state,), job.state, cause=dict(waiting))
                )
            return
        except (AimassError, OSError) as error:
            await self.end(job, "failed", Cause(code="registration", message=str(error)))
            return
        await self.end(job, "succeeded", cause, **seen, **vars(gave))

    async def note_lost(self, job: Job, program: Program) -> None:
        """Its supervisor died: end what it left behind, then say so."""
        left = await asyncio.to_thread(program.sweep, GRACE_SECONDS)
        await self._telling.note_course(job)
        ended = counted(left, "process", "processes")
        message = f"its supervisor was killed or the machine restarted; {ended} of it had to end"
        cause = Cause(code="lost", message=message)
        if not await self._sent_back(job, program, cause):
            await self.end(job, "lost", cause)


def _cause_of(record: dict[str, Any]) -> Cause:
    """The cause in a supervisor's record; what another version wrote is an error all the same."""
    try:
        return Cause.model_validate(record.get("cause"))
    except ValidationError:
        return Cause(code="error", message=f"it ended with an unknown cause: {record}"[:500])
