"""Telling followers how far running jobs are, and noting what their folders say of their course."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.jobs import Job, Progress
from aimass_server.events import Feed, Notice
from aimass_server.jobs.following import Follower
from aimass_server.jobs.notes import Notes
from aimass_server.store import Store, job_notes, jobs

PROGRESS_SECONDS = 0.5
#: Where more jobs run, each is told of less often: together they take no more of the machine.
TOLD_AT_ONCE = 10

logger = logging.getLogger("aimass.jobs")


class Telling:
    """How far the running jobs are, looked at anew while any runs."""

    def __init__(
        self, store: Store, feed: Feed, follower: Follower, folder_of: Callable[[str], Path]
    ) -> None:
        self._store = store
        self._feed = feed
        self._follower = follower
        self._folder_of = folder_of
        self._progress: dict[str, Progress] = {}

    def progress_of(self, job_id: str) -> Progress:
        """How far a job was when last looked at."""
        return self._progress.get(job_id, Progress())

    async def note_course(self, job: Job) -> Job:
        """Bring restarts and warnings in line with what the job's folder says."""
        return await self._note(job, await asyncio.to_thread(Notes.read, self._folder_of(job.id)))

    async def _note(self, job: Job, notes: Notes) -> Job:
        if notes == Notes.of(job):
            return job
        await self._store.write(lambda c: job_notes.note(c, job, notes.restarts, notes.warnings))
        return job.model_copy(update=vars(notes))

    async def run(self) -> None:
        """Tell the followers for ever; while no job runs, wait for a change."""
        changed = asyncio.Event()
        with self._feed.telling(changed.set):
            while True:
                changed.clear()
                try:
                    holding = await self._store.read(jobs.holding_slots)
                except AimassError as error:
                    logger.warning("progress could not be told just now: %s", error)
                    await asyncio.sleep(PROGRESS_SECONDS)
                    continue
                await self._tell_all(holding)
                if not holding:
                    await changed.wait()
                await asyncio.sleep(PROGRESS_SECONDS * max(1.0, len(holding) / TOLD_AT_ONCE))

    async def _tell_all(self, holding: list[Job]) -> None:
        running = [job for job in holding if job.state == "running"]
        notes = await asyncio.to_thread(self._notes_of, running)
        progress = await self._follower.progress_of([job.id for job in running])
        for job in running:
            if job.id in notes:
                try:
                    await self._tell(job, notes[job.id], progress[job.id])
                except AimassError as error:  # the store is busy: the next round tells it
                    logger.warning("progress of job %s could not be told: %s", job.id, error)
                except Exception:  # the others are told all the same
                    logger.exception("job %s could not be looked after", job.id)
        held = {job.id for job in holding}
        self._progress = {i: p for i, p in self._progress.items() if i in held}

    def _notes_of(self, running: list[Job]) -> dict[str, Notes]:
        """What the folders say, in one go; a folder that cannot be read is left out."""
        found = {}
        for job in running:
            try:
                found[job.id] = Notes.read(self._folder_of(job.id))
            except Exception:  # the others are told all the same
                logger.exception("the notes of job %s could not be read", job.id)
        return found

    async def _tell(self, job: Job, notes: Notes, progress: Progress) -> None:
        await self._note(job, notes)
        if progress != self._progress.get(job.id):
            self._progress[job.id] = progress
            data = {"job": job.id, "progress": progress.model_dump(mode="json")}
            self._feed.notify(Notice("jobs.progress", job.id, job.tenant, data))
