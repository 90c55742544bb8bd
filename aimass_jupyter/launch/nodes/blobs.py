"""What was shipped to a node once: bytes by their SHA-256, kept for the jobs to come."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

_KEPT_SECONDS = 14 * 86_400.0
_READ_BYTES = 1 << 20


class Blobs:
    """The blobs below a node's folder."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "blobs"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path_of(self, digest: str) -> Path:
        """Where the bytes of a digest are, or will be.

        Raises
        ------
        ValueError
            When it is no digest.
        """
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"'{digest}' is no SHA-256")
        return self._folder / digest

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those that are not here; the others are kept for longer."""
        missing = []
        for digest in digests:
            try:
                os.utime(self.path_of(digest))
            except FileNotFoundError:
                missing.append(digest)
        return missing

    def take(self, digest: str, content: bytes, *, done: bool) -> None:
        """Take some more of a blob; when it is done, it is held against its digest.

        Raises
        ------
        ValueError
            When the bytes are others than the digest says.
        """
        path = self.path_of(digest)
        arriving = path.with_name(f".{digest}.{os.getpid()}")
        with arriving.open("ab") as file:
            file.write(content)
            if done:
                file.flush()
                os.fsync(file.fileno())
        if done:
            self._keep(arriving, path, digest)

    def _keep(self, arriving: Path, path: Path, digest: str) -> None:
        if digest_of(arriving) != digest:
            arriving.unlink()
            raise ValueError(f"what arrived is not {digest}")
        arriving.replace(path)

    def forget_unused(self) -> None:
        """Delete what no job has asked for in a fortnight."""
        for path in self._folder.iterdir():
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(_READ_BYTES):
            digest.update(content)
    return digest.hexdigest()
