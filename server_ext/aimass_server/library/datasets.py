"""The datasets of a tenant: import, list, show, delete; what an import's job read is taken in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from aimass_jupyter.contract.base import NAME_PATTERN, Done, Page
from aimass_jupyter.contract.datasets import (
    BUILTIN_DATASETS,
    Dataset,
    DatasetDescription,
    DatasetImport,
    DatasetList,
    DatasetRef,
)
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import is_id, plain_name
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.uploads import Upload
from aimass_server.access import Call, require_owner
from aimass_server.library.uploads import Uploads
from aimass_server.store import Blobs, Store, datasets
from aimass_server.store.names import split

#: What the importer leaves.
DATA, DESCRIPTION = "data.arrow", "description.json"


class Datasets:
    """Registers bytes as dataset versions.

    Parameters
    ----------
    import_now
        Has an upload or a built-in data set imported as a job of the queue, and waits for it;
        returns ``name@version``.
    """

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        uploads: Uploads,
        import_now: Callable[[Call, DatasetImport], Awaitable[str]],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._uploads = uploads
        self._import_now = import_now

    async def import_(self, call: Call, request: DatasetImport) -> Dataset:
        """Import an upload or a built-in data set as the next version."""
        return await self.find(call, await self._import_now(call, request))

    async def to_import(self, call: Call, request: DatasetImport) -> tuple[str, Upload | None]:
        """The name of the dataset that an import makes, and the upload if it is one."""
        upload = await self._upload(call, request.source)
        name = request.name or _name_from(upload.filename if upload else request.source)
        await self._require_owner(call, name)
        return name, upload

    async def take(self, job: Job, folder: Path) -> str:
        """Take in what a job read; returns ``name@version``. Twice is once.

        Raises
        ------
        AimassError
            When the disk is full, or the dataset is somebody else's by now.
        """
        content = await asyncio.to_thread((folder / DESCRIPTION).read_bytes)
        found = DatasetDescription.model_validate(json.loads(content))
        known = await self._store.read(lambda c: datasets.of_job(c, job.id))
        if known is None:
            blob = await asyncio.to_thread(self._blobs.take_file, folder / DATA)
            try:
                known = await self._store.write(
                    lambda c: datasets.add_version(c, job, found, blob.digest, blob.size_bytes)
                )
            finally:
                self._blobs.unpin(blob.digest)
        await asyncio.to_thread((folder / DATA).unlink, missing_ok=True)
        return known

    async def list(self, call: Call, request: DatasetList) -> Page[Dataset]:
        """A page of datasets."""
        return await self._store.read(lambda c: datasets.page(c, request, call.tenant))

    async def show(self, call: Call, request: DatasetRef) -> Dataset:
        """One dataset."""
        return await self.find(call, request.dataset)

    async def find(self, call: Call, reference: str) -> Dataset:
        """A dataset by reference."""
        return await self._store.read(lambda c: datasets.get(c, reference, call.tenant))

    async def delete(self, call: Call, request: DatasetRef) -> Done:
        """Delete a dataset or one version, and free the bytes."""
        dataset = await self.find(call, request.dataset)
        require_owner(call.principal, dataset.owner, f"dataset '{dataset.name}'")
        one = split(request.dataset)[1] is not None
        version = dataset.latest.version if one else None
        let_go = await self._store.write(lambda c: datasets.delete(c, dataset, version))
        return Done(id=dataset.id, freed_bytes=await self._uploads.free(let_go))

    async def _upload(self, call: Call, source: str) -> Upload | None:
        """The upload that is to be imported; None for a built-in data set."""
        if source in BUILTIN_DATASETS:
            return None
        if not is_id(source, "upload"):
            raise InvalidRequest(
                f"'{source[:200]}' is neither a built-in data set nor an upload",
                did_you_mean(source, BUILTIN_DATASETS)
                + "; a file is sent first (uploads create): the clients do that for a path",
            )
        return (await self._uploads.find(call, source))[0]

    async def _require_owner(self, call: Call, name: str) -> None:
        """Say it before the work; the transaction that adds the version has the last word."""
        await self._store.read(lambda c: datasets.require_owner(c, name, call.user, call.tenant))


def _name_from(filename: str) -> str:
    """A name from a file's: its stem without accents, what a name may not hold replaced."""
    name = plain_name(Path(filename).stem)
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidRequest(
            f"'{filename}' gives no name for the dataset", "pass one: --name sales"
        )
    return name
