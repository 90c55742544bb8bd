"""The jobs of a tenant: submit, list, show, logs, curves, stop, attach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.errors import InvalidRequest, NotFound
from aimass_jupyter.contract.jobs import (
    Curves,
    Job,
    JobAttach,
    JobCreate,
    JobList,
    JobLogs,
    JobMetrics,
    JobRef,
    JobUpdate,
    LogChunk,
    Progress,
    Why,
)
from aimass_server.access import Call, require_owner
from aimass_server.jobs import logs
from aimass_server.jobs.following import Follower, split_cursor
from aimass_server.jobs.runner import Runner
from aimass_server.jobs.submission import Submission, prepare
from aimass_server.store import Connection, Store, digests, idempotency, jobs, models

_POLL_SECONDS = 0.1


class FindDataset(Protocol):
    """Finds a dataset by reference."""

    async def __call__(self, call: Call, reference: str) -> Dataset: ...


class Jobs:
    """What can be asked of jobs.

    Parameters
    ----------
    slots
        Ranks that fit on this machine at once.
    engines
        Asks which engines there are: engine → why not, or an empty text.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        follower: Follower,
        find_dataset: FindDataset,
        slots: int,
        engines: Callable[[], Awaitable[dict[str, str]]],
    ) -> None:
        self._store = store
        self._runner = runner
        self._follower = follower
        self._find_dataset = find_dataset
        self._slots = slots
        self._engines = engines

    async def submit(self, call: Call, request: JobCreate) -> Job:
        """Queue a job. It is durable when this returns, and starts without being asked again."""
        if request.dataset is None:
            raise InvalidRequest("no dataset was named", "say --dataset NAME (see: datasets list)")
        dataset = await self._find_dataset(call, request.dataset)
        engines = await self._engines()
        submission = prepare(call, request, dataset, self._slots, engines)
        await self._require_model_owner(call, submission.job.name)
        submission = await self._with_ids(call, submission)
        job = await self._store.write(lambda c: _insert(c, call, submission))
        self._runner.wake()
        return job

    async def list(self, call: Call, request: JobList) -> Page[Job]:
        """A page of jobs, newest first."""
        page = await self._store.read(lambda c: jobs.page(c, request, call.tenant))
        return page.model_copy(update={"items": [self._with_progress(job) for job in page.items]})

    async def show(self, call: Call, request: JobRef) -> Job:
        """One job."""
        return self._with_progress(await self._find(call, request.job))

    async def why(self, call: Call, request: JobRef) -> Why:
        """Why a job waits."""
        return await self._runner.scheduler.why(await self._find(call, request.job))

    async def logs(self, call: Call, request: JobLogs) -> LogChunk:
        """A stretch of a job's log."""
        job = await self._find(call, request.job)
        before = logs.parse_cursor(request.cursor)
        text, after = await asyncio.to_thread(
            logs.read, self._runner.folder_of(job.id), before, request.rank, request.limit_bytes,
            final=job.final,
        )  # fmt: skip
        return LogChunk(
            text=text, cursor=logs.format_cursor(after), end=job.final and after == before
        )

    async def metrics(self, call: Call, request: JobMetrics) -> Curves:
        """The curves of a job since a cursor."""
        job = await self._find(call, request.job)
        return await self._follower.curves(job.id, request.cursor)

    async def stop(self, call: Call, request: JobRef) -> Job:
        """Stop a job and every process of it; one that has ended stays as it is."""
        job = await self._find(call, request.job)
        require_owner(call.principal, job.owner, f"job '{job.name}'")
        return await self._runner.stop(job, by=call.user)

    async def attach(self, call: Call, request: JobAttach) -> JobUpdate:
        """What is new of a job since a cursor; waits for something new when asked to."""
        deadline = time.monotonic() + request.wait_seconds
        job_id = (await self._find(call, request.job)).id
        known_state = split_cursor(request.cursor)[2]
        while True:
            job = self._with_progress(await self._find(call, job_id))
            update = await self._follower.update(job, request.cursor)
            new = bool(update.series or update.log or update.gaps) or job.state != known_state
            if new or update.end or time.monotonic() >= deadline:
                return update
            await asyncio.sleep(_POLL_SECONDS)

    async def _find(self, call: Call, reference: str) -> Job:
        return await self._store.read(lambda c: jobs.get(c, reference, call.tenant))

    async def _require_model_owner(self, call: Call, name: str) -> None:
        """A job adds a version to the model of its name: that must be one's own."""
        await self._store.read(lambda c: models.require_owner(c, name, call.user, call.tenant))

    async def _with_ids(self, call: Call, submission: Submission) -> Submission:
        """The submission with the jobs that it waits for by their ids."""
        job = submission.job
        ids = [(await self._find(call, reference)).id for reference in job.options.after]
        options = job.options.model_copy(update={"after": ids})
        return replace(submission, job=job.model_copy(update={"options": options}))

    def _with_progress(self, job: Job) -> Job:
        if job.state == "succeeded":
            return job.model_copy(update={"progress": Progress(fraction=1, metrics=job.metrics)})
        return job.model_copy(update={"progress": self._runner.progress_of(job.id)})


def _insert(connection: Connection, call: Call, submission: Submission) -> Job:
    """Job row, event and idempotency key in one transaction."""
    job = submission.job
    if not digests.is_used(connection, submission.dataset_digest):
        raise NotFound(f"dataset '{job.dataset}' was deleted just now", "see: datasets list")
    if call.idempotency_key:
        key = (call.idempotency_key, call.user, call.tenant, call.operation, call.request_digest)
        if known := idempotency.recall(connection, *key):
            return Job.model_validate(known)
        jobs.insert(connection, job, submission.dataset_digest, submission.label)
        idempotency.remember(connection, *key, job.model_dump(mode="json"))
    else:
        jobs.insert(connection, job, submission.dataset_digest, submission.label)
    return job
