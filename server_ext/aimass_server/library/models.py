"""The registered models of a tenant: list, show, download, promote, delete; register for jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.contract.base import Done, Page
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.models import (
    Model,
    ModelDetail,
    ModelList,
    ModelPromote,
    ModelRef,
    ModelVersion,
)
from aimass_server.access import Call, require_owner
from aimass_server.library.uploads import Uploads
from aimass_server.store import Blobs, Store, models
from aimass_server.store.downloads import Download
from aimass_server.store.names import split


class Models:
    """Versions of models, each one bundle file."""

    def __init__(self, store: Store, blobs: Blobs, uploads: Uploads) -> None:
        self._store = store
        self._blobs = blobs
        self._uploads = uploads

    async def list(self, call: Call, request: ModelList) -> Page[Model]:
        """A page of models."""
        return await self._store.read(lambda c: models.page(c, request, call.tenant))

    async def show(self, call: Call, request: ModelRef) -> ModelDetail:
        """One model with its versions."""
        return await self.find(call, request.model)

    async def find(self, call: Call, reference: str) -> ModelDetail:
        """A model by reference."""
        return await self._store.read(lambda c: models.get(c, reference, call.tenant))

    async def download(self, call: Call, request: ModelRef) -> Download:
        """The bundle of a version, to send."""
        model = await self.find(call, request.model)
        version = model.selected
        filename = f"{model.name}-{version.version}.aimass"
        return Download(self._blobs.path_of(version.digest), filename, version.size_bytes)

    async def promote(self, call: Call, request: ModelPromote) -> Model:
        """Point an alias at a version."""
        model = await self.find(call, request.model)
        require_owner(call.principal, model.owner, f"model '{model.name}'")
        version = model.selected.version
        await self._store.write(
            lambda c: models.set_alias(c, model, request.alias, version, call.user)
        )
        return await self.find(call, model.id)

    async def delete(self, call: Call, request: ModelRef) -> Done:
        """Delete a model or one version, and free the bytes."""
        model = await self.find(call, request.model)
        require_owner(call.principal, model.owner, f"model '{model.name}'")
        one = split(request.model)[1] is not None
        version = model.selected.version if one else None
        let_go = await self._store.write(lambda c: models.delete(c, model, version))
        return Done(id=model.id, freed_bytes=await self._uploads.free(let_go))

    async def register(self, job: Job, bundle: Path) -> str:
        """Take in the bundle that a job wrote; returns ``name@version``. Twice is once.

        Raises
        ------
        AimassError
            When the bundle is damaged or the disk is full; nothing is registered then.
        """
        manifest = await asyncio.to_thread(read_manifest, bundle)
        blob = await asyncio.to_thread(self._blobs.take_file, bundle)
        version = ModelVersion(
            version=0,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            task=manifest.task,
            algorithm=manifest.algorithm,
            metrics=manifest.metrics,
            signature=manifest.signature,
            dataset=job.dataset,
            job=job.id,
            created_at=utc_now(),
        )
        try:
            number = await self._store.write(
                lambda c: models.add_version(c, job.name, job.owner, job.tenant, version)
            )
        finally:
            self._blobs.unpin(blob.digest)
        return f"{job.name}@{number}"
