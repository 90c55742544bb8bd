"""Blobs: bytes named by their SHA-256, published by rename, found by digest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from aimass_jupyter.contract.errors import InsufficientStorage, NotFound, TooLarge
from aimass_jupyter.host import sync_folder

_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    """Bytes in the store."""

    digest: str
    size_bytes: int
    path: Path


class BlobWriter:
    """Takes bytes as they come and publishes them whole, or leaves nothing."""

    def __init__(self, blobs: Blobs, limit_bytes: int) -> None:
        self._blobs = blobs
        self._limit = limit_bytes
        self._hash = hashlib.sha256()
        self._size = 0
        descriptor, name = tempfile.mkstemp(dir=blobs.staging)
        self._file = os.fdopen(descriptor, "wb")
        self._temporary = Path(name)

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises
        ------
        TooLarge
            Past the limit.
        InsufficientStorage
            When the disk is full.
        """
        self._size += len(chunk)
        if self._size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes were sent", "send a smaller file")
        with storage_errors():
            self._file.write(chunk)
        self._hash.update(chunk)

    def publish(self) -> Blob:
        """Make the bytes durable under their digest."""
        with storage_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return self._blobs.adopt(self._temporary, self._hash.hexdigest(), self._size)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # the buffered rest found the disk full: it goes anyway
            self._file.close()
        self._temporary.unlink(missing_ok=True)


class Blobs:
    """The folder of blobs.

    Bytes that were published are pinned until :meth:`unpin`: between the publishing and the commit
    of the row that refers to them, nobody may take them for unused.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sha256"
        self.staging = folder / "staging"
        self._pins: Counter[str] = Counter()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the folders and clear what an interrupted write left."""
        for folder in (self.folder, self.staging):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.staging.iterdir():
            left.unlink()

    def writer(self, limit_bytes: int) -> BlobWriter:
        """Begin to take bytes."""
        return BlobWriter(self, limit_bytes)

    def take_file(self, path: Path) -> Blob:
        """Copy a file in."""
        with self.writer(limit_bytes=1 << 62) as writer, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                writer.write(chunk)
            return writer.publish()

    def adopt(self, temporary: Path, digest: str, size_bytes: int) -> Blob:
        """Publish a staged file under its digest, pinned; the same bytes are kept once."""
        target = self.path_of(digest)
        temporary.chmod(0o400)
        with self._lock:
            target.parent.mkdir(exist_ok=True, mode=0o700)
            temporary.replace(target)
            self._pins[digest] += 1
        sync_folder(target.parent)
        sync_folder(self.folder)
        return Blob(digest, size_bytes, target)

    @contextmanager
    def pinned(self, digest: str) -> Iterator[None]:
        """Keep bytes from being deleted meanwhile.

        Raises
        ------
        NotFound
            When they are gone already.
        """
        with self._lock:
            if not self.path_of(digest).exists():
                raise NotFound("its bytes were deleted just now", "look again: models list")
            self._pins[digest] += 1
        try:
            yield
        finally:
            self.unpin(digest)

    def pin(self, content: bytes) -> Blob | None:
        """Bytes that are here already, unharmed, pinned as if they were published; else None."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        with self._lock, contextlib.suppress(OSError):
            if path.read_bytes() == content:
                self._pins[digest] += 1
                return Blob(digest, len(content), path)
        return None

    def unpin(self, digest: str) -> None:
        """Say that a row refers to the bytes now, or that none will."""
        with self._lock:
            self._pins[digest] -= 1

    def every(self) -> set[str]:
        """The digests of all bytes that are here."""
        return {path.name for path in self.folder.glob("*/*")}

    def path_of(self, digest: str) -> Path:
        """Where the bytes of a digest are, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"'{digest}' is not a digest")
        return self.folder / digest[:2] / digest

    def delete(self, digest: str) -> int:
        """Free the bytes, unless they are pinned; returns how many."""
        path = self.path_of(digest)
        with self._lock:
            if self._pins[digest] > 0 or not path.exists():
                return 0
            size = path.stat().st_size
            path.unlink()
        return size


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn a full disk or an exceeded quota into an error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InsufficientStorage(
                f"nothing was stored: {os.strerror(error.errno).lower()}",
                "free space in the data folder and try again",
            ) from error
        raise
