"""Own code as it comes in: an upload is checked, kept by its digest, and held against the request.

It is never imported and never run here: a job's processes do that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import is_id
from aimass_jupyter.contract.jobs import JobCreate, Source
from aimass_jupyter.contract.uploads import Upload
from aimass_jupyter.source.archive import MAX_BYTES, read_manifest
from aimass_jupyter.source.inline import content_of, is_inline
from aimass_jupyter.source.manifest import Manifest, Use
from aimass_jupyter.source.modules import missing_modules
from aimass_jupyter.source.package import MAX_SCRIPT_BYTES, Package, pack_script_text
from aimass_jupyter.source.problems import Problem, refuse
from aimass_server.access import Call
from aimass_server.store import Blobs
from aimass_server.store.blobs import Blob

FindUpload = Callable[[Call, str], Awaitable[tuple[Upload, Blob]]]


@dataclass(frozen=True)
class Code:
    """Own code that was found sound: what a job says of it, and what is in it."""

    source: Source
    manifest: Manifest


class OwnCode:
    """Takes uploads of own code in.

    Parameters
    ----------
    find_upload
        Finds an upload of who asks; nobody else's.
    """

    def __init__(self, find_upload: FindUpload, blobs: Blobs) -> None:
        self._find_upload = find_upload
        self._blobs = blobs

    @asynccontextmanager
    async def taken(self, call: Call, request: JobCreate) -> AsyncIterator[Code]:
        """An upload, or what came along, as code to run; its bytes stay while the job's row is
        being written.

        Raises
        ------
        InvalidRequest
            When it is neither a package of own code nor a script.
        """
        upload_id = request.source or ""
        if is_inline(upload_id):
            blob = await asyncio.to_thread(self._kept, content_of(upload_id))
            async with self._unpinned(blob, request) as code:
                yield code
            return
        if not is_id(upload_id, "upload"):
            raise InvalidRequest(
                f"'{upload_id[:200]}' is no upload",
                "a script is sent first (uploads create): the clients do that for a path",
            )
        upload, blob = await self._find_upload(call, upload_id)
        if not await asyncio.to_thread(_is_zip, blob.path):
            blob = await asyncio.to_thread(self._pack, upload, blob)
            async with self._unpinned(blob, request) as code:
                yield code
            return
        with self._blobs.pinned(blob.digest):
            yield await asyncio.to_thread(_code, blob, request.arguments)

    def path_of(self, source: Source) -> Path:
        """Where the archive lies."""
        return self._blobs.path_of(source.digest)

    def _pack(self, upload: Upload, blob: Blob) -> Blob:
        """A script that came as it is becomes a package of one script, pinned."""
        if blob.size_bytes > MAX_SCRIPT_BYTES:
            raise InvalidRequest(
                f"'{upload.filename}' is no package of own code, and too large for a script",
                "send a Python file, or a package that a client made",
            )
        package: Package = pack_script_text(upload.filename, blob.path.read_bytes())
        return self._kept(package.content)

    def _kept(self, content: bytes) -> Blob:
        """The bytes of a package in the store, pinned; they are written once."""
        if known := self._blobs.pin(content):
            return known
        with self._blobs.writer(MAX_BYTES) as writer:
            writer.write(content)
            return writer.publish()

    @asynccontextmanager
    async def _unpinned(self, blob: Blob, request: JobCreate) -> AsyncIterator[Code]:
        """Code whose bytes are pinned, and are not any more when this ends."""
        try:
            yield await asyncio.to_thread(_code, blob, request.arguments)
        finally:
            self._blobs.unpin(blob.digest)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _code(blob: Blob, arguments: list[str]) -> Code:
    manifest = read_manifest(blob.path)
    source = Source(
        digest=blob.digest,
        kind=manifest.kind,
        entry=manifest.entry,
        arguments=arguments,
        files=[item.name for item in manifest.items],
        size_bytes=blob.size_bytes,
    )
    return Code(source, manifest)


def check_code(manifest: Manifest, request: JobCreate, dataset: Dataset | None) -> None:
    """Hold code against what it is to run on.

    Raises
    ------
    WrongCode
        Naming each mistake, with its line and its cure.
    """
    if manifest.kind == "function" and request.arguments:
        raise InvalidRequest(
            f"'{request.arguments[0][:80]}' after -- is for a script, and this is a function",
            "give options: --lr 0.1 is run.params.lr",
        )
    if manifest.kind == "script" and request.params:
        name = next(iter(request.params)).replace("_", "-")
        raise InvalidRequest(
            f"a script has no option '--{name}' of ours", f"its own come after --: -- --{name} …"
        )
    refuse(
        [
            *missing_modules(manifest.uses.modules),
            *_params(manifest, request),
            *_columns(manifest, dataset),
            *_dataset(manifest, dataset),
        ]
    )
    _check_ranks(request, dataset)


def _params(manifest: Manifest, request: JobCreate) -> list[Problem]:
    return [
        Problem(
            use.line,
            f"option '--{use.name.replace('_', '-')}' is not given",
            did_you_mean(
                use.name, request.params, f"give it: --{use.name.replace('_', '-')} VALUE"
            ),
            use.where,
        )
        for use in manifest.uses.params
        if use.name not in request.params
    ]


def _columns(manifest: Manifest, dataset: Dataset | None) -> list[Problem]:
    if dataset is None:
        return []
    known = [column.name for column in dataset.latest.columns]

    def missing(use: Use) -> Problem:
        message = f"dataset '{dataset.name}' has no column '{use.name}'"
        return Problem(use.line, message, did_you_mean(use.name, known), use.where)

    return [missing(use) for use in manifest.uses.columns if use.name not in known]


def _dataset(manifest: Manifest, dataset: Dataset | None) -> list[Problem]:
    if dataset is not None:
        return []
    cure = "name one: --dataset NAME (see: datasets list)"
    return [
        Problem(use.line, "run.dataset is read, and no dataset is named", cure, use.where)
        for use in manifest.uses.dataset[:1]
    ]


def _check_ranks(request: JobCreate, dataset: Dataset | None) -> None:
    batch = request.params.get("batch_size")
    if isinstance(batch, int) and batch < request.np:
        raise InvalidRequest(
            f"--batch-size {batch} leaves ranks without a row: there are {request.np} ranks",
            f"take --batch-size {request.np} or more, or fewer ranks",
        )
    if dataset is not None and dataset.latest.rows < request.np:
        rows = dataset.latest.rows
        raise InvalidRequest(
            f"dataset '{dataset.name}' has {rows} row{'s' * (rows != 1)}, fewer than the "
            f"{request.np} ranks",
            f"take --np {max(rows, 1)}{' or less' * (rows > 1)}",
        )
