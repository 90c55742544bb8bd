"""Blobs: published whole under their digest, or not at all."""

from __future__ import annotations

import hashlib
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InsufficientStorage, NotFound, TooLarge
from aimass_server.store import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    blobs = Blobs(tmp_path / "blobs")
    blobs.open()
    return blobs


@given(st.lists(st.binary(max_size=1000), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_bytes_come_back_under_their_digest(blobs: Blobs, chunks: list[bytes]) -> None:
    with blobs.writer(10_000) as writer:
        for chunk in chunks:
            writer.write(chunk)
        blob = writer.publish()
    content = b"".join(chunks)
    assert blob.digest == hashlib.sha256(content).hexdigest()
    assert blob.path.read_bytes() == content


def test_too_many_bytes_leave_nothing(blobs: Blobs) -> None:
    with pytest.raises(TooLarge, match="100"), blobs.writer(100) as writer:
        writer.write(b"x" * 101)
    assert _files(blobs) == []


def test_an_interrupted_write_leaves_nothing_after_the_next_start(blobs: Blobs) -> None:
    writer = blobs.writer(100)
    writer.write(b"half")
    blobs.open()
    assert _files(blobs) == []
    writer.__exit__(None, None, None)


def test_a_full_disk_is_said_and_leaves_nothing(blobs: Blobs) -> None:
    with pytest.raises(InsufficientStorage, match="nothing was stored"), _file_limit(10_000):
        _take(blobs, b"x" * 100_000)
    assert _files(blobs) == []
    with blobs.writer(100) as writer:  # and there is space again
        writer.write(b"ok")
        assert writer.publish().path.exists()


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "A" * 64, "a" * 63])
def test_only_a_digest_names_a_blob(blobs: Blobs, digest: str) -> None:
    with pytest.raises(NotFound):
        blobs.path_of(digest)


def _take(blobs: Blobs, content: bytes) -> None:
    with blobs.writer(1 << 30) as writer:
        writer.write(content)
        writer.publish()


def _files(blobs: Blobs) -> list[Path]:
    return [path for path in blobs.folder.parent.rglob("*") if path.is_file()]


@contextmanager
def _file_limit(size: int) -> Iterator[None]:
    """Files may not grow past this size: what a full disk is to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
