"""Work without torch on its way into the queue: notebooks, evaluations, imports, exports.

Each request becomes a job of its kind, checked as far as it can be before it waits. What the kinds
are, and which program does each, is the contract's table (``contract.job_kinds``).
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, get_args

from aimass_jupyter.contract.datasets import Dataset, DatasetImport
from aimass_jupyter.contract.errors import (
    Expired,
    Failed,
    InsufficientStorage,
    InvalidRequest,
    NotFound,
    TooLarge,
    did_you_mean,
    from_problem,
)
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.job_kinds import Kind
from aimass_jupyter.contract.job_options import JobOptions, QueueOptions
from aimass_jupyter.contract.job_work import (
    JobEvaluate,
    JobExecute,
    JobExport,
    JobImport,
    ModelFormat,
    TableFormat,
)
from aimass_jupyter.contract.jobs import Job, JobRerun, WorkInput
from aimass_jupyter.contract.models import ModelDetail
from aimass_jupyter.contract.uploads import Upload
from aimass_jupyter.host import read_record
from aimass_server.access import Call
from aimass_server.events import Feed
from aimass_server.jobs.entering import Entrance
from aimass_server.jobs.notebooks import MOST_BYTES, check_parameters, kernel_of, read_notebook
from aimass_server.jobs.submission import Submission
from aimass_server.store import Store, digests, jobs
from aimass_server.store.blobs import Blob

ATTENDED_SECONDS = 600.0
_LONGEST_NAME = 64
_ENDINGS = {"bundle": "aimass"}


class Library(Protocol):
    """What is known of datasets, models and uploads."""

    async def dataset(self, call: Call, reference: str) -> Dataset:
        """A dataset version."""

    async def model(self, call: Call, reference: str) -> ModelDetail:
        """A model version."""

    async def upload(self, call: Call, upload_id: str) -> tuple[Upload, Blob]:
        """Bytes that somebody sent."""

    async def to_import(self, call: Call, request: DatasetImport) -> tuple[str, Upload | None]:
        """The name of the dataset that an import makes, and the bytes if it is a file."""

    def path_of(self, digest: str) -> Path:
        """Where bytes lie."""


@dataclass(frozen=True)
class _Asked:
    """A piece of work, checked."""

    kind: Kind
    name: str
    params: dict[str, Any]
    input: WorkInput | None = None
    dataset: Dataset | None = None
    label: str = ""


class OtherWork:
    """Takes such work in.

    Parameters
    ----------
    folder
        ``<data>/jobs``
    """

    def __init__(
        self, store: Store, feed: Feed, entrance: Entrance, library: Library, folder: Path
    ) -> None:
        self._store = store
        self._feed = feed
        self._entrance = entrance
        self._library = library
        self._folder = folder

    async def evaluate(self, call: Call, request: JobEvaluate) -> Job:
        """Queue an evaluation."""
        model = await self._library.model(call, request.model)
        dataset = await self._library.dataset(call, request.dataset)
        if request.label:
            _require_column(dataset, request.label)
        found = _of_model(model)
        name = request.name or _named("evaluate", model.name)
        asked = _Asked(
            "evaluation", name, {"model": found.name}, found, dataset, request.label or ""
        )
        return await self._enter(call, asked, request)

    async def export(self, call: Call, request: JobExport) -> Job:
        """Queue an export."""
        if (request.dataset is None) == (request.model is None):
            raise InvalidRequest(
                "name either a dataset or a model", "say: export digits, or: export --model digits"
            )
        if request.model is not None:
            asked = await self._export_model(call, request, request.model)
        else:
            asked = await self._export_dataset(call, request, request.dataset or "")
        return await self._enter(call, asked, request)

    async def _export_model(self, call: Call, request: JobExport, reference: str) -> _Asked:
        model = await self._library.model(call, reference)
        kind = _format(request.format or "bundle", get_args(ModelFormat), "model")
        found = _of_model(model)
        params = {"model": found.name, "format": kind}
        params["file"] = f"{model.name}-{model.selected.version}.{_ENDINGS.get(kind, kind)}"
        name = request.name or _named("export", model.name)
        return _Asked("export", name, params, found)

    async def _export_dataset(self, call: Call, request: JobExport, reference: str) -> _Asked:
        dataset = await self._library.dataset(call, reference)
        kind = _format(request.format or "csv", get_args(TableFormat), "dataset")
        file = f"{dataset.name}-{dataset.latest.version}.{kind}"
        name = request.name or _named("export", dataset.name)
        return _Asked("export", name, {"format": kind, "file": file}, None, dataset)

    async def execute(self, call: Call, request: JobExecute) -> Job:
        """Queue the execution of a notebook."""
        upload, blob = await self._library.upload(call, request.notebook)
        if blob.size_bytes > MOST_BYTES:
            raise TooLarge(
                f"'{upload.filename}' has {blob.size_bytes:,} bytes, a notebook may have "
                f"{MOST_BYTES:,}",
                "clear its outputs, then save it",
            )
        content = await asyncio.to_thread(blob.path.read_bytes)
        notebook = read_notebook(content, upload.filename)
        check_parameters(notebook, upload.filename, request.params)
        params = {
            "params": request.params,
            "kernel": kernel_of(notebook),
            "file": Path(upload.filename).name,
        }
        name = request.name or _named("", Path(upload.filename).stem)
        asked = _Asked("notebook", name, params, _of_upload(upload))
        return await self._enter(call, asked, request)

    async def import_(self, call: Call, request: JobImport, *, attended: bool = False) -> Job:
        """Queue an import."""
        dataset, upload = await self._library.to_import(call, request)
        params = {
            "source": upload.filename if upload else request.source,
            "dataset": dataset,
            "label": request.label,
            "description": request.description,
            "tags": request.tags,
        }
        found = _of_upload(upload) if upload else None
        asked = _Asked("import", _named("import", dataset), params, found)
        return await self._enter(call, asked, request, attended=attended)

    async def import_now(self, call: Call, request: DatasetImport) -> str:
        """Import for somebody who waits: takes no slot of others. Gives ``name@version``.

        Raises
        ------
        AimassError
            What the importer found wrong with the bytes, in its words.
        """
        if call.idempotency_key:  # the answer to the whole is kept under the key itself
            call = replace(call, idempotency_key=f"{call.idempotency_key[:120]}/job")
        job = await self.import_(call, JobImport(**request.model_dump()), attended=True)
        ended = await self._wait(job.id)
        if ended.state == "succeeded" and ended.result:
            return ended.result
        problem = await asyncio.to_thread(read_record, self._folder / job.id / "error.json")
        if problem:
            raise from_problem(problem)
        if ended.cause and ended.cause.code == "disk-full":
            raise InsufficientStorage(ended.cause.message, "free space and try again")
        told = ended.cause.message if ended.cause else ended.state
        raise Failed(f"the import of '{request.source}' ended: {told}", f"see: logs {job.id}")

    async def rerun(self, call: Call, job: Job, request: JobRerun) -> Job:
        """Queue work like one that was, from what is kept of it."""
        for field in ("np", "engine", "seed"):
            if getattr(request, field) is not None:
                raise InvalidRequest(
                    f"--{field} is for training, job '{job.name}' is of kind {job.kind}",
                    f"leave --{field} out",
                )
        if request.resume:
            raise InvalidRequest(f"job '{job.name}' keeps no checkpoint", "leave --resume out")
        await self._require_input(job)
        dataset = await self._library.dataset(call, job.dataset) if job.dataset else None
        params = dict(job.params)
        if request.params and job.kind != "notebook":
            name = next(iter(request.params)).replace("_", "-")
            raise InvalidRequest(f"a job of kind {job.kind} has no option '--{name}'")
        if job.kind == "notebook":
            await self._check_again(job, request)
            params["params"] = {**params["params"], **request.params}
        _, label = await self._store.read(lambda c: jobs.inputs(c, job.id))
        asked = _Asked(job.kind, request.name or job.name, params, job.input, dataset, label)
        options = job.options.model_copy(update={"after": [], "deadline": None})
        return await self._enter(call, asked, options, rerun_of=job.id)

    async def _check_again(self, job: Job, request: JobRerun) -> None:
        assert job.input is not None  # a notebook is one
        content = await asyncio.to_thread(self._library.path_of(job.input.digest).read_bytes)
        check_parameters(read_notebook(content, job.input.name), job.input.name, request.params)

    async def _require_input(self, job: Job) -> None:
        """What it read must still be there.

        Raises
        ------
        NotFound
            When it was let go.
        """
        digest = job.input.digest if job.input else ""
        if digest and not await self._store.read(lambda c: digests.is_used(c, digest)):
            raise NotFound(
                f"job '{job.name}' cannot be run again: its input '{job.input and job.input.name}' "
                "is kept only until it has ended",
                "send it again",
            )

    async def _enter(self, call: Call, asked: _Asked, options: QueueOptions, **more: Any) -> Job:
        job = Job(
            id=new_id("job"),
            name=asked.name,
            kind=asked.kind,
            owner=call.user,
            tenant=call.tenant,
            state="queued",
            engine="single",
            np=1,
            dataset=f"{asked.dataset.name}@{asked.dataset.latest.version}" if asked.dataset else "",
            algorithm="",
            params=asked.params,
            seed=0,
            options=JobOptions(**options.model_dump(include=set(QueueOptions.model_fields))),
            input=asked.input,
            created_at=utc_now(),
            **more,
        )
        digest = asked.dataset.latest.digest if asked.dataset else ""
        return await self._entrance.enter(call, Submission(job, digest, asked.label))

    async def _wait(self, job_id: str) -> Job:
        """Wait until a job has ended.

        Raises
        ------
        Expired
            When that takes too long; the job goes on.
        """
        changed, deadline = asyncio.Event(), time.monotonic() + ATTENDED_SECONDS
        with self._feed.telling(changed.set):
            while True:
                changed.clear()
                job = await self._store.read(lambda c: jobs.by_id(c, job_id))
                if job.final:
                    return job
                try:
                    await asyncio.wait_for(changed.wait(), deadline - time.monotonic())
                except TimeoutError:
                    raise Expired(
                        f"job '{job.name}' takes more than {ATTENDED_SECONDS:.0f} s; it goes on",
                        f"follow it: attach {job.id}",
                    ) from None


def _of_model(model: ModelDetail) -> WorkInput:
    version = model.selected
    return WorkInput(digest=version.digest, name=f"{model.name}@{version.version}")


def _of_upload(upload: Upload) -> WorkInput:
    return WorkInput(digest=upload.digest, name=upload.filename, upload=upload.id)


def _named(verb: str, thing: str) -> str:
    """A name for a job that is not its model's or dataset's own: training has those."""
    name = f"{verb}-{thing}" if verb else re.sub(r"[^A-Za-z0-9._-]+", "-", thing).strip("-._")
    return name[:_LONGEST_NAME] or "notebook"


def _format(asked: str, known: tuple[str, ...], what: str) -> str:
    if asked not in known:
        raise InvalidRequest(
            f"a {what} is not exported as {asked}", f"take one of: {', '.join(known)}"
        )
    return asked


def _require_column(dataset: Dataset, label: str) -> None:
    columns = [column.name for column in dataset.latest.columns]
    if label not in columns:
        raise InvalidRequest(
            f"dataset '{dataset.name}' has no column '{label}'", did_you_mean(label, columns)
        )
