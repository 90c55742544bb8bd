"""Faults of the control plane. The numbers are those of the list of faults."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import Unavailable
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import marked_processes, read_record
from tests.conftest import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def _submit(client: Client, epochs: int, **more: object) -> Job:
    client.datasets.import_("digits")
    job: Job = client.jobs.submit(
        dataset="digits", algorithm="classification", params={"epochs": epochs}, **more
    )
    return job


def _until_points(client: Client, job: str) -> None:
    for update in client.updates(job):
        if update.series:
            return
        assert not update.end, update.job.cause


def test_02_a_killed_server_finds_its_job_again_and_no_point_is_lost(own_server: Server) -> None:
    with own_server.client() as client:
        job = _submit(client, 80, engine="torchrun", np=2)
        _until_points(client, job.id)
        own_server.kill()
        assert list(marked_processes("AIMASS_JOB_ID", job.id)), "the job must go on"
        own_server.start()
        told: list[int] = []

        def hear(update: JobUpdate) -> None:
            told.extend(
                s for series in update.series if series.tag == "loss/train" for s in series.steps
            )

        ended = client.wait(job.id, hear)
        assert ended.state == "succeeded", ended.cause
        assert told == sorted(set(told))
        assert ended.model


def test_03_a_job_that_ended_while_the_server_was_down_has_its_true_end(own_server: Server) -> None:
    with own_server.client() as client:
        job = _submit(client, 3)
        _until_points(client, job.id)
        own_server.kill()
        _until((own_server.folder / "jobs" / job.id / "exit.json").exists)
        own_server.start()
        ended = client.wait(job.id)
        assert ended.state == "succeeded"
        record = read_record(own_server.folder / "jobs" / job.id / "exit.json")
        assert record
        assert ended.ended_at
        assert ended.ended_at.isoformat()[:19] == record["ended_at"][:19]
        told = [e.topic for e in client.events.list(limit=1000).items if e.subject == job.id]
        assert told.count("jobs.succeeded") == 1


def test_04_a_killed_supervisor_leaves_a_lost_job_and_no_process(own_server: Server) -> None:
    with own_server.client() as client:
        job = _submit(client, 5000, engine="torchrun", np=2)
        _until_points(client, job.id)
        record = read_record(own_server.folder / "jobs" / job.id / "started.json")
        assert record
        os.kill(record["identity"]["pid"], signal.SIGKILL)
        began = time.monotonic()
        ended = client.wait(job.id)
        assert ended.state == "lost"
        assert time.monotonic() - began < 30
        assert ended.cause
        assert "supervisor" in ended.cause.message
        assert list(marked_processes("AIMASS_JOB_ID", job.id)) == []


def test_01_a_submit_that_was_answered_runs_once_whenever_the_server_dies(
    own_server: Server,
) -> None:
    with own_server.client() as client:
        submitted = []
        for _ in range(3):
            submitted.append(_submit(client, 1))
            own_server.kill()
            own_server.start()
        for job in submitted:
            assert client.wait(job.id).state == "succeeded"
        versions = client.models.show("digits").history
        assert sorted(v.job for v in versions) == sorted(job.id for job in submitted)


def test_a_second_control_plane_says_who_owns_the_folder(own_server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "aimass_jupyter.cli", "up"],
        env=os.environ | {"AIMASS_DATA": str(own_server.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert own_server.url in second.stdout  # there is one: no other is started
    from aimass_server.data_folder import DataFolder

    with pytest.raises(Unavailable, match="owned by the control plane at http") as raised:
        DataFolder(own_server.folder).own()
    assert "aimass down" in raised.value.hint


def test_of_two_that_start_at_once_one_stays(tmp_path: Path) -> None:
    environment = os.environ | {"AIMASS_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "aimass_jupyter.cli", "up", "--json"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        answers = [json.loads(process.communicate(timeout=90)[0]) for process in both]
        assert answers[0] == answers[1]
        _until(lambda: _servers_of(tmp_path / "data") == 1)
    finally:
        subprocess.run([*command[:3], "down", "--all"], env=environment, check=True)


def _servers_of(folder: Path) -> int:
    """How many control planes were started for a data folder and live."""
    marked = marked_processes("AIMASS_DATA", str(folder))
    return sum(b"aimass_server" in _command_line(process.pid) for process in marked)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was counted
        return b""


def test_20_without_file_descriptors_it_asks_for_patience_and_comes_back(
    own_server: Server,
) -> None:
    with own_server.client() as client, contextlib.ExitStack() as crowd:
        client.system.status()
        assert own_server.process
        pid = own_server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = len(list(Path(f"/proc/{pid}/fd").iterdir())) + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, limits[1]))
        host, _, port = urlsplit(client.system.status().url).netloc.partition(":")
        for _ in range(20):
            crowd.enter_context(socket.create_connection((host, int(port))))
        with pytest.raises(Unavailable, match="file descriptors") as refused:
            client.datasets.import_("digits")
        assert refused.value.retry_after
        assert own_server.log.count("no file descriptors left: new connections wait") < 60
        assert "Exception in callback" not in own_server.log  # thousands in a second
        crowd.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert client.datasets.import_("digits").latest.rows == 1797
        assert own_server.process.poll() is None


def test_stopping_the_server_leaves_jobs_running(own_server: Server) -> None:
    with own_server.client() as client:
        job = _submit(client, 5000)
        _until_points(client, job.id)
    own_server.stop()
    assert list(marked_processes("AIMASS_JOB_ID", job.id))
    assert not (own_server.folder / "control-plane.token").exists()
    own_server.stop_everything()
    assert list(marked_processes("AIMASS_JOB_ID", job.id)) == []


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_that_cannot_load_ends_at_once_and_says_why(tmp_path: Path) -> None:
    """It would answer nothing, and whoever waits for it would wait in vain."""
    broken = (
        "import runpy, sys, aimass_server.control_plane as room\n"
        "def fail(*_): raise TypeError('made to fail')\n"
        "room.ControlPlane.__init__ = fail\n"
        "sys.argv = ['aimass_server']\n"
        "runpy.run_module('aimass_server', run_name='__main__')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", broken],
        env=os.environ | {"AIMASS_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert "made to fail" in ended.stderr
