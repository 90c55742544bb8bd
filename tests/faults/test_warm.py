"""The warm launcher behind a control plane: killed, left behind, and of no use to a next job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import identify, marked_processes, read_record
from tests.conftest import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]

PATIENCE_SECONDS = 90
LEAVES_TRACES = """
import os, random, sys, torch
os.environ["TRACE"] = "left"
os.putenv("TRACE_BELOW", "left")
os.umask(0)
sys.path.append("/left/by/another")
sys.modules["left_by_another"] = os
torch.set_default_dtype(torch.float64)
kept = open(__file__)
os.chdir("/")
"""
LOOKS_FOR_TRACES = """
import os, sys, torch
from pathlib import Path
found = [name for name in os.environ if "TRACE" in name]
found += [line for line in os.popen("env").read().split() if "TRACE" in line]
found += [path for path in sys.path if "left" in path]
found += [name for name in sys.modules if "left" in name]
mask = os.umask(0o077)
print("traces:", found, oct(mask), torch.get_default_dtype(), Path.cwd().name)
opened = [link for link in list(Path("/proc/self/fd").iterdir())[3:] if link.exists()]
opened = [str(link.readlink()) for link in opened]
print("files:", [path for path in opened if "first.py" in path or "lock" in path])
"""


@pytest.fixture
def warm_server(own_server: Server) -> Server:
    """A control plane whose warm launcher is ready."""
    with own_server.client() as client:
        client.datasets.import_("iris")
        until_ready(client)
    return own_server


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def doctor(client: Client) -> str:
    checks = {check.name: check.found for check in client.system.doctor().checks}
    return str(checks["warm launcher"])


def until_ready(client: Client) -> None:
    until(lambda: doctor(client).startswith("ready"))


def submit(client: Client, epochs: int, **more: object) -> Job:
    job: Job = client.jobs.submit(
        dataset="iris", algorithm="classification",
        params={"epochs": epochs, "architecture": "linear"}, **more,
    )  # fmt: skip
    return job


def until_running(client: Client, job: Job) -> Job:
    return until(lambda: (now := client.jobs.show(job.id)).state == "running" and now)


def launcher_of(server: Server) -> int:
    """The pid of the warm launcher: a child of the control plane, by its name."""
    assert server.process
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_launcher(entry, server.process.pid):
            return int(entry.name)
    raise AssertionError("there is no warm launcher")


def _is_launcher(process: Path, parent: int) -> bool:
    try:
        name, _, rest = (process / "stat").read_text().partition(")")
    except OSError:
        return False
    return name.endswith("(aimass-warm") and int(rest.split()[1]) == parent


def test_it_is_killed_and_comes_back_while_its_jobs_go_on(warm_server: Server) -> None:
    with warm_server.client() as client:
        long = until_running(client, submit(client, 100_000, name="long"))
        assert long.start == "warm"
        os.kill(launcher_of(warm_server), signal.SIGKILL)
        short = client.wait(submit(client, 1, name="short").id)
        assert (short.state, short.start) == ("succeeded", "cold")
        until_ready(client)
        assert client.wait(submit(client, 1, name="again").id).start == "warm"
        assert client.jobs.show(long.id).state == "running"

        warm_server.kill()
        assert list(marked_processes("AIMASS_JOB_ID", long.id)), "the job must go on"
        warm_server.start()
        assert client.jobs.show(long.id).state == "running"
        client.jobs.stop(long.id)
        assert client.wait(long.id).state == "stopped"
        assert list(marked_processes("AIMASS_JOB_ID", long.id)) == []


def test_a_warm_jobs_supervisor_is_killed(warm_server: Server) -> None:
    with warm_server.client() as client:
        job = until_running(client, submit(client, 100_000, np=2, engine="torchrun"))
        record = read_record(warm_server.folder / "jobs" / job.id / "started.json")
        assert record
        os.kill(record["identity"]["pid"], signal.SIGKILL)
        ended = client.wait(job.id)
        assert (ended.state, ended.start) == ("lost", "warm")
        assert list(marked_processes("AIMASS_JOB_ID", job.id)) == []


def test_it_ends_with_its_control_plane_and_nothing_else_does(warm_server: Server) -> None:
    pid = launcher_of(warm_server)
    warm_server.kill()
    until(lambda: identify(pid) is None)


def test_one_job_leaves_nothing_for_the_next(warm_server: Server, tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(LEAVES_TRACES)
    second.write_text(LOOKS_FOR_TRACES)
    with warm_server.client() as client:
        for script in (first, second):
            ended = client.wait(client.train(script).id)
            assert (ended.state, ended.start) == ("succeeded", "warm"), ended.cause
        said = client.jobs.logs(ended.id, rank=0).text
    assert "traces: [] 0o77 torch.float32 work" in said
    assert "files: []" in said
