"""The jobs of a tenant: submit, rerun, list, show, logs, curves, stop, attach, what they left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.clusters import Cluster, Node
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.errors import InvalidRequest, NotFound
from aimass_jupyter.contract.job_course import (
    Curves,
    JobAttach,
    JobLogs,
    JobMetrics,
    JobUpdate,
    LogChunk,
)
from aimass_jupyter.contract.job_inputs import Artifacts, JobDownload, JobInputs
from aimass_jupyter.contract.job_queue import Why
from aimass_jupyter.contract.job_work import JobEvaluate, JobExecute, JobExport, JobImport
from aimass_jupyter.contract.jobs import Job, JobCreate, JobList, JobRef, JobRerun, Progress
from aimass_server.access import Call, require_owner
from aimass_server.events import Feed
from aimass_server.jobs import logs
from aimass_server.jobs.artifacts import find_artifacts, path_of
from aimass_server.jobs.code import Code, OwnCode
from aimass_server.jobs.entering import Entrance
from aimass_server.jobs.following import Follower, split_cursor
from aimass_server.jobs.inputs import read_inputs
from aimass_server.jobs.log_search import Search
from aimass_server.jobs.pools import Pool, check_nodes, with_ranks
from aimass_server.jobs.rerun import (
    differences,
    kept_code,
    measured_params,
    request_again,
    require_checkpoint,
)
from aimass_server.jobs.runner import Runner
from aimass_server.jobs.submission import prepare
from aimass_server.jobs.work import OtherWork
from aimass_server.store import Store, jobs
from aimass_server.store.downloads import Download

_GATHER_SECONDS = 0.03  # what is written in one go is told in one answer
_LOOK_SECONDS = 1.0  # where the kernel does not tell that a file grew


class ClusterPools(Protocol):
    """Finds clusters, and says which nodes they have."""

    async def find(self, call: Call, reference: str) -> Cluster: ...

    def nodes_of(self, cluster_id: str) -> Sequence[Node]: ...


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
    code
        Takes own code in.
    work
        Takes in what is no training.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        follower: Follower,
        feed: Feed,
        find_dataset: FindDataset,
        slots: int,
        pools: ClusterPools,
        engines: Callable[[], Awaitable[dict[str, str]]],
        code: OwnCode,
        entrance: Entrance,
        work: OtherWork,
    ) -> None:
        self._code = code
        self._entrance = entrance
        self._work = work
        self._store = store
        self._runner = runner
        self._follower = follower
        self._feed = feed
        self._find_dataset = find_dataset
        self._slots = slots
        self._pools = pools
        self._engines = engines

    async def submit(self, call: Call, request: JobCreate) -> Job:
        """Queue a job. It is durable when this returns, and starts without being asked again."""
        if request.source is None:
            return await self._submit(call, request, None)
        async with self._code.taken(call, request) as code:
            return await self._submit(call, request, code)

    async def _submit(self, call: Call, request: JobCreate, code: Code | None) -> Job:
        request, pool = await self._placed(call, request)
        dataset = await self._find_dataset(call, request.dataset) if request.dataset else None
        engines = await self._engines()
        submission = prepare(call, request, dataset, pool.slots, engines, code)
        return await self._entrance.enter(call, pool.holds(submission))

    async def evaluate(self, call: Call, request: JobEvaluate) -> Job:
        """Queue an evaluation."""
        return await self._work.evaluate(call, request)

    async def execute(self, call: Call, request: JobExecute) -> Job:
        """Queue the execution of a notebook."""
        return await self._work.execute(call, request)

    async def import_(self, call: Call, request: JobImport) -> Job:
        """Queue an import."""
        return await self._work.import_(call, request)

    async def export(self, call: Call, request: JobExport) -> Job:
        """Queue an export."""
        return await self._work.export(call, request)

    async def rerun(self, call: Call, request: JobRerun) -> Job:
        """Queue a job like one that was, from what is kept of it; what differs is a warning."""
        job = await self._find(call, request.job)
        require_owner(call.principal, job.owner, f"job '{job.name}'")
        if job.kind != "training":
            return await self._work.rerun(call, job, request)
        folder = self._runner.folder_of(job.id)
        digest, label = await self._store.read(lambda c: jobs.inputs(c, job.id))
        if request.resume:
            await asyncio.to_thread(require_checkpoint, job, folder)
        dataset = await self._dataset_again(call, job)
        code = None
        if job.source is not None:
            code = await asyncio.to_thread(kept_code, job, self._code.path_of(job.source))
        measured = {} if request.resume else await asyncio.to_thread(measured_params, job, folder)
        again, pool = await self._placed(call, request_again(job, label, request, measured))
        submission = prepare(call, again, dataset, pool.slots, await self._engines(), code)
        told = await asyncio.to_thread(differences, job, folder, digest, dataset)
        changes = {"rerun_of": job.id, "resume": request.resume, "warnings": told}
        new = submission.job.model_copy(update=changes)
        return await self._entrance.enter(call, pool.holds(replace(submission, job=new)))

    async def _placed(self, call: Call, request: JobCreate) -> tuple[JobCreate, Pool]:
        """The request, and the cluster that it names, once it is clear that it can fit there."""
        cluster = await self._pools.find(call, request.cluster)
        nodes = self._pools.nodes_of(cluster.id)
        slots = self._slots if not cluster.id else sum(node.slots for node in nodes)
        request = with_ranks(request)
        check_nodes(request, cluster, nodes, call.tenant)
        return request, Pool(cluster.id, slots)

    async def _dataset_again(self, call: Call, job: Job) -> Dataset | None:
        """The very version that a job had.

        Raises
        ------
        NotFound
            When it was deleted.
        """
        if not job.dataset:
            return None
        try:
            return await self._find_dataset(call, job.dataset)
        except NotFound:
            raise NotFound(
                f"job '{job.name}' cannot be run again: dataset '{job.dataset}' was deleted",
                "import it again and train anew",
            ) from None

    async def inputs(self, call: Call, request: JobRef) -> JobInputs:
        """What a job was made from."""
        job = await self._find(call, request.job)
        digest, label = await self._store.read(lambda c: jobs.inputs(c, job.id))
        archive = self._code.path_of(job.source) if job.source else None
        folder = self._runner.folder_of(job.id)
        return await asyncio.to_thread(read_inputs, job, digest, label, folder, archive)

    async def artifacts(self, call: Call, request: JobRef) -> Artifacts:
        """The files that a job's own code left."""
        folder = self._runner.folder_of((await self._find(call, request.job)).id)
        return Artifacts(items=await asyncio.to_thread(find_artifacts, folder))

    async def download(self, call: Call, request: JobDownload) -> Download:
        """One of these files, to send."""
        folder = self._runner.folder_of((await self._find(call, request.job)).id)
        path = await asyncio.to_thread(path_of, folder, request.path)
        size = (await asyncio.to_thread(path.stat)).st_size
        return Download(path, path.name, size)

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
        _require_rank(job, request.rank)
        folder = self._runner.folder_of(job.id)
        before = logs.parse_cursor(request.cursor)
        if request.from_byte is not None and not request.cursor:
            before = await asyncio.to_thread(
                logs.begin_at, folder, request.rank, request.from_byte
            )  # fmt: skip
        read = logs.read
        if request.grep is not None:
            wanted = Search(request.grep, request.regex, request.ignore_case)
            read = partial(logs.find, search=wanted)
        text, after = await asyncio.to_thread(
            read, folder, before, request.rank, request.limit_bytes, final=job.final
        )
        more = await asyncio.to_thread(
            logs.goes_on, folder, after, request.rank, final=job.final
        )  # fmt: skip
        return LogChunk(
            text=text,
            cursor=logs.format_cursor(after),
            more=more,
            end=job.final and after == before,
        )

    async def metrics(self, call: Call, request: JobMetrics) -> Curves:
        """The curves of a job since a cursor."""
        job = await self._find(call, request.job)
        return await self._follower.curves(job.id, request.cursor, request.max_points)

    async def stop(self, call: Call, request: JobRef) -> Job:
        """Stop a job and every process of it; one that has ended stays as it is."""
        job = await self._find(call, request.job)
        require_owner(call.principal, job.owner, f"job '{job.name}'")
        return await self._runner.stop(job, by=call.user)

    async def attach(self, call: Call, request: JobAttach) -> JobUpdate:
        """What is new of a job since a cursor; waits for something new when asked to."""
        deadline = time.monotonic() + request.wait_seconds
        job = await self._find(call, request.job)
        job_id = job.id
        known_state = split_cursor(request.cursor)[2]
        if job.state == "queued" and request.wait_seconds and not known_state:
            await asyncio.sleep(_GATHER_SECONDS)  # it may start just now: that is told with it
        while True:
            with self._follower.watching(job_id) as watch, self._feed.telling(watch.tell):
                job = self._with_progress(await self._find(call, job_id))
                update = await self._follower.update(job, request.cursor, request.max_points)
                new = bool(update.series or update.log or update.gaps) or job.state != known_state
                left = deadline - time.monotonic()
                if new or update.end or left <= 0:
                    return update
                if await watch.changed(min(left, _LOOK_SECONDS)):
                    await asyncio.sleep(_GATHER_SECONDS)

    async def _find(self, call: Call, reference: str) -> Job:
        return await self._store.read(lambda c: jobs.get(c, reference, call.tenant))

    def _with_progress(self, job: Job) -> Job:
        if job.state == "succeeded":
            return job.model_copy(update={"progress": Progress(fraction=1, metrics=job.metrics)})
        return job.model_copy(update={"progress": self._runner.telling.progress_of(job.id)})


def _require_rank(job: Job, rank: int | None) -> None:
    ranks = max(job.np, job.options.max_np or 0)
    if rank is not None and rank >= ranks:
        has = "one rank, 0" if ranks == 1 else f"ranks 0 to {ranks - 1}"
        raise InvalidRequest(
            f"job '{job.name}' has no rank {rank}", f"it has {has}; -1 is its launcher"
        )
