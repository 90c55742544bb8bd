"""Fault 10: the disk is full while a model is registered."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter.contract.errors import InsufficientStorage
from aimass_jupyter.host import identify, write_record
from aimass_server.programs import Program
from tests.conftest import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]

DISK_BYTES = 24 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the blobs: what is full there is full nowhere else."""
    disk = tmp_path / "data" / "blobs"
    disk.mkdir(parents=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(disk)]
    if subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(disk)
        file.write(b"\0" * (free.f_bavail * free.f_frsize))
    return filler


def test_10_a_model_that_found_no_room_is_registered_when_there_is_some(
    small_disk: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        with server.client() as client:
            client.datasets.import_("digits")
            job = client.jobs.submit(
                dataset="digits", algorithm="classification", params={"epochs": 2}
            )
            filler = _fill(small_disk)
            with pytest.raises(InsufficientStorage, match="nothing was stored"):
                client.datasets.import_("iris")
            cause = _wait_for_cause(server, job.id)
            assert "its model waits" in cause
            assert client.models.list().items == []
            assert not list((small_disk / "staging").iterdir())
            filler.unlink()
            assert client.wait(job.id).state == "succeeded"
            assert client.models.show("digits").latest.job == job.id
            client.datasets.import_("iris")
    finally:
        server.stop_everything()


def _wait_for_cause(server: Server, job_id: str) -> str:
    deadline = time.monotonic() + 90
    with server.client() as client:
        while (job := client.jobs.show(job_id)).cause is None:
            assert not job.final
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert job.cause is not None
    return job.cause.message


def test_what_runs_is_stopped_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request cannot be written: the signal says it. One that has not begun is not missed."""
    program = Program(tmp_path, "AIMASS_JOB_ID=job_x")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("aimass_server.programs.program.write_record", refuse)
    with pytest.raises(OSError, match="No space"):
        program.request_stop("ada")
    sleeper = subprocess.Popen(["sleep", "60"])
    identity = identify(sleeper.pid)
    assert identity is not None
    write_record(tmp_path / "started.json", {"identity": identity.as_record()})
    program.request_stop("ada")
    assert sleeper.wait(10) == -signal.SIGTERM
