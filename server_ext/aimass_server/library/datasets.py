"""The datasets of a tenant: import, list, show, delete."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.base import NAME_PATTERN, Done, Page
from aimass_jupyter.contract.datasets import (
    BUILTIN_DATASETS,
    Dataset,
    DatasetDescription,
    DatasetImport,
    DatasetList,
    DatasetRef,
)
from aimass_jupyter.contract.errors import (
    Expired,
    Failed,
    InvalidRequest,
    did_you_mean,
    from_problem,
)
from aimass_jupyter.contract.ids import is_id, new_id
from aimass_jupyter.contract.uploads import Upload
from aimass_jupyter.host import read_record, write_record
from aimass_server.access import Call, require_owner
from aimass_server.library.uploads import Uploads
from aimass_server.store import Blobs, Store, datasets
from aimass_server.store.names import split

IMPORT_SECONDS = 600


class Datasets:
    """Registers bytes as dataset versions.

    Parameters
    ----------
    folder
        Where an import works; emptied after each.
    """

    def __init__(self, store: Store, blobs: Blobs, uploads: Uploads, folder: Path) -> None:
        self._store = store
        self._blobs = blobs
        self._uploads = uploads
        self._folder = folder

    async def open(self) -> None:
        """Clear what an interrupted import left."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def import_(self, call: Call, request: DatasetImport) -> Dataset:
        """Import an upload or a built-in data set as the next version."""
        upload, source = await self._source(call, request.source)
        name = request.name or _name_from(upload.filename if upload else request.source)
        await self._require_owner(call, name)
        work = self._folder / new_id("import")
        try:
            found = await _run_importer(work, {"source": source, "label": request.label})
            blob = await asyncio.to_thread(self._blobs.take_file, work / "data.arrow")
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
        try:
            dataset = await self._store.write(
                lambda c: datasets.add_version(
                    c, name, call.user, call.tenant, request, found, blob.digest, blob.size_bytes
                )
            )
        finally:
            self._blobs.unpin(blob.digest)
        if upload:
            await self._uploads.used(upload)
        return dataset

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

    async def _source(self, call: Call, source: str) -> tuple[Upload | None, dict[str, str]]:
        """What the importer reads: a built-in data set, or the bytes of an upload."""
        if source in BUILTIN_DATASETS:
            return None, {"builtin": source}
        if not is_id(source, "upload"):
            raise InvalidRequest(
                f"'{source[:200]}' is neither a built-in data set nor an upload",
                did_you_mean(source, BUILTIN_DATASETS)
                + "; a file is sent first (uploads create): the clients do that for a path",
            )
        upload, blob = await self._uploads.find(call, source)
        return upload, {"path": str(blob.path), "filename": upload.filename}

    async def _require_owner(self, call: Call, name: str) -> None:
        """Say it before the work; the transaction that adds the version has the last word."""
        await self._store.read(lambda c: datasets.require_owner(c, name, call.user, call.tenant))


def _name_from(filename: str) -> str:
    """A name from a file's: its stem, with what a name may not hold replaced."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(filename).stem).strip("-._")[:64]
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidRequest(
            f"'{filename}' gives no name for the dataset", "pass one: --name sales"
        )
    return name


async def _run_importer(work: Path, request: dict[str, Any]) -> DatasetDescription:
    """Read the bytes in a process of its own.

    Raises
    ------
    AimassError
        What the importer found wrong with the bytes, in its words.
    """
    await asyncio.to_thread(_order, work, request)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aimass_jupyter.data.importer",
        str(work),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), IMPORT_SECONDS)
    except TimeoutError:
        raise Expired(
            f"the import took more than {IMPORT_SECONDS} s", "import a smaller file"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if problem := read_record(work / "error.json"):
        raise from_problem(problem)
    if process.returncode:
        raise Failed(f"the importer ended with code {process.returncode}: {_last_line(errors)}")
    return DatasetDescription.model_validate(json.loads((work / "description.json").read_bytes()))


def _order(work: Path, request: dict[str, Any]) -> None:
    work.mkdir(parents=True, mode=0o700)
    write_record(work / "request.json", request)


def _last_line(errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"
