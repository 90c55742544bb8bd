"""What the library has, for those who need one thing of it by its reference."""

from __future__ import annotations

from pathlib import Path

from aimass_jupyter.contract.datasets import Dataset, DatasetImport
from aimass_jupyter.contract.models import ModelDetail
from aimass_jupyter.contract.uploads import Upload
from aimass_server.access import Call
from aimass_server.library.datasets import Datasets
from aimass_server.library.models import Models
from aimass_server.library.uploads import Uploads
from aimass_server.store import Blobs
from aimass_server.store.blobs import Blob


class Shelves:
    """Datasets, models and uploads, found by reference; nothing is changed."""

    def __init__(self, datasets: Datasets, models: Models, uploads: Uploads, blobs: Blobs) -> None:
        self._datasets = datasets
        self._models = models
        self._uploads = uploads
        self._blobs = blobs

    async def dataset(self, call: Call, reference: str) -> Dataset:
        """A dataset version."""
        return await self._datasets.find(call, reference)

    async def model(self, call: Call, reference: str) -> ModelDetail:
        """A model version."""
        return await self._models.find(call, reference)

    async def upload(self, call: Call, upload_id: str) -> tuple[Upload, Blob]:
        """Bytes that somebody sent."""
        return await self._uploads.find(call, upload_id)

    async def to_import(self, call: Call, request: DatasetImport) -> tuple[str, Upload | None]:
        """The name of the dataset that an import makes, and the bytes if it is a file."""
        return await self._datasets.to_import(call, request)

    def path_of(self, digest: str) -> Path:
        """Where bytes lie."""
        return self._blobs.path_of(digest)
