"""Uploads: bytes on their way in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from aimass_jupyter.contract.ids import Clock, new_id, utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.uploads import Upload, UploadCreate
from aimass_server.access import Call
from aimass_server.store import Blobs, Store, digests, uploads
from aimass_server.store.blobs import Blob

KEPT = timedelta(days=1)


class Uploads:
    """Takes bytes, keeps them until they are used, forgets them after a day."""

    def __init__(
        self, store: Store, blobs: Blobs, limit_bytes: int, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._limit_bytes = limit_bytes
        self._clock = clock

    async def create(
        self, call: Call, request: UploadCreate, chunks: AsyncIterator[bytes]
    ) -> Upload:
        """Take the bytes of a file."""
        with self._blobs.writer(self._limit_bytes) as writer:
            async for chunk in chunks:
                writer.write(chunk)
            blob = await asyncio.to_thread(writer.publish)
        upload = Upload(
            id=new_id("upload"),
            filename=request.filename,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            created_at=self._clock(),
        )
        try:
            await self._store.write(lambda c: uploads.insert(c, upload, call.user, call.tenant))
        finally:
            self._blobs.unpin(blob.digest)
        return upload

    async def find(self, call: Call, upload_id: str) -> tuple[Upload, Blob]:
        """An upload of who asks, with its bytes."""
        upload = await self._store.read(lambda c: uploads.get(c, upload_id, call.user, call.tenant))
        path = self._blobs.path_of(upload.digest)
        return upload, Blob(upload.digest, upload.size_bytes, path)

    async def used(self, upload: Upload) -> None:
        """Let go of an upload that was used; its bytes stay if something else refers to them."""
        await self._store.write(lambda c: uploads.forget(c, upload.id))
        await self.free([upload.digest])

    async def read_by(self, job: Job) -> None:
        """Let go of what a job that has ended read; one that failed may be sent for again."""
        if job.input is None:
            return
        upload = job.input.upload
        if upload and job.state == "succeeded":
            await self._store.write(lambda c: uploads.forget(c, upload))
        await self.free([job.input.digest])

    async def forget_old(self) -> None:
        """Let go of what nobody used for a day."""
        moment = self._clock() - KEPT
        await self.free(await self._store.write(lambda c: uploads.forget_older(c, moment)))

    async def sweep(self) -> None:
        """Delete the bytes that nothing refers to: what a crash left behind."""
        await self.free(list(await asyncio.to_thread(self._blobs.every)))

    async def free(self, candidates: list[str]) -> int:
        """Delete the blobs that nothing refers to any more; returns the bytes freed."""
        return await self._store.write(
            lambda c: sum(self._blobs.delete(digest) for digest in digests.unused(c, candidates))
        )
