"""Runs without a job: programs of their own, killed and not, and a server that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    TooLarge,
)
from aimass_jupyter.contract.runs import RunRef
from aimass_jupyter.contract.tracked import RunAppend, RunEnd, RunParams, RunStart
from aimass_jupyter.training.events import EventWriter
from tests.conftest import Server
from tests.tracking.conftest import Tracking, call

PATIENCE_SECONDS = 60.0


def events(folder: Path, points: int) -> bytes:
    """The bytes of an event file with some points."""
    writer = EventWriter(folder)
    for step in range(points):
        writer.add("loss", 1.0 / (step + 1), step)
    writer.close()
    (file,) = folder.iterdir()
    return file.read_bytes()


async def sent(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


# --- the room --------------------------------------------------------------------------------


def test_events_are_taken_once_however_often_they_are_sent(
    tracking: Tracking, tmp_path: Path
) -> None:
    content = events(tmp_path / "mine", 50)
    runs, half = tracking.runs, len(content) // 2
    run = tracking.do(runs.start(call(), RunStart(name="r", params={"lr": 0.1}, tags=["a"])))

    def append(offset: int, *chunks: bytes) -> int:
        request = RunAppend(run=run.id, offset=offset)
        received: int = tracking.do(runs.append(call(), request, sent(*chunks))).received_bytes
        return received

    assert append(0, content[:half]) == half
    assert append(0, content[:10], content[10:half]) == half
    assert append(half - 7, content[half - 7 :]) == len(content)
    assert append(0) == len(content)
    with pytest.raises(Conflict, match="end at byte"):
        append(len(content) + 1, b"x")
    with pytest.raises(Conflict, match="other events"):
        append(0, b"y" * 40)
    shown = tracking.do(runs.show(call(), RunRef(run="r")))
    assert (shown.state, shown.job, shown.tags, shown.params) == ("running", "", ["a"], {"lr": 0.1})
    assert shown.metrics == {"loss": pytest.approx(1 / 50)}
    ended = tracking.do(runs.end(call(), RunEnd(run="r")))
    assert ended.state == "succeeded"
    assert ended.cause.code == "finished"
    assert ended.metrics == {"loss": pytest.approx(1 / 50)}
    assert tracking.do(runs.end(call(), RunEnd(run="r"))) == ended
    with pytest.raises(Conflict, match="has ended"):
        tracking.do(runs.end(call(), RunEnd(run="r", state="failed")))
    with pytest.raises(Conflict, match="has ended"):
        append(len(content), b"")
    assert tracking.do(runs.delete(call(), RunRef(run="r"))).freed_bytes > len(content)
    assert not list((tracking.folder / "runs").iterdir())


def test_what_is_no_events_or_too_much_or_somebody_elses_is_refused(tracking: Tracking) -> None:
    runs = tracking.runs
    run = tracking.do(runs.start(call(), RunStart(name="r")))
    request = RunAppend(run=run.id)
    with pytest.raises(InvalidRequest, match="no TensorBoard events"):
        tracking.do(runs.append(call(), request, sent(b"step,loss\n1,2\n3,4\n")))
    with pytest.raises(TooLarge):
        tracking.do(runs.append(call(), request, sent(bytes(2 << 20))))
    with pytest.raises(Forbidden):
        tracking.do(runs.append(call("bob"), request, sent(b"")))
    with pytest.raises(NotFound):
        tracking.do(runs.append(call(tenant="other"), request, sent(b"")))
    of_job = tracking.job("digits")
    with pytest.raises(Conflict, match="is that of job"):
        tracking.do(runs.end(call(), RunEnd(run=of_job.id)))
    many = {f"p{number}": number for number in range(500)}
    tracking.do(runs.params(call(), RunParams(run="r", params={"lr": 1.0})))
    with pytest.raises(Conflict, match="would have 501"):
        tracking.do(runs.params(call(), RunParams(run="r", params=many)))


def test_a_silent_run_is_lost_and_goes_on_when_it_is_heard_again(
    tracking: Tracking, tmp_path: Path
) -> None:
    content = events(tmp_path / "mine", 3)
    runs = tracking.runs
    run = tracking.do(runs.start(call(), RunStart(name="r")))
    tracking.do(tracking.tracked.look(time.monotonic() + 15))
    assert tracking.do(runs.show(call(), RunRef(run="r"))).state == "running"
    tracking.do(tracking.tracked.look(time.monotonic() + 31))
    lost = tracking.do(runs.show(call(), RunRef(run="r")))
    assert (lost.state, lost.cause.code) == ("lost", "abandoned")
    tracking.do(runs.append(call(), RunAppend(run=run.id), sent(content)))
    back = tracking.do(runs.show(call(), RunRef(run="r")))
    assert (back.state, back.cause, back.ended_at) == ("running", None, None)
    tracking.do(tracking.tracked.look(time.monotonic() + 31))
    assert tracking.do(runs.end(call(), RunEnd(run="r"))).state == "succeeded"


# --- programs --------------------------------------------------------------------------------


def program(server: Server, text: str, **how: Any) -> subprocess.Popen[str]:
    """Run Python that finds the server as a user's would."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("AIMASS_")}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        env=environment | {"AIMASS_DATA": str(server.folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **how,
    )


def test_a_script_is_tracked_live_and_compared(server: Server, client: Client) -> None:
    script = program(
        server,
        """
        import math, aimass_jupyter
        with aimass_jupyter.start_run("live", experiment="hand", params={"lr": 0.5}) as run:
            run.log(0, loss__train=1.0, odd=math.nan)
            run.histogram(0, weights=[1.0, 2.0, 3.0])
            run.text(0, said="hello")
            print(run.id, flush=True)
            input()
            run.log(1, loss__train=0.5)
            run.add_params(batch=32)
        try:
            run.log(2, loss=0.0)
        except Exception as error:
            print(error)
        """,
    )
    assert script.stdin is not None
    assert script.stdout is not None
    run_id = script.stdout.readline().strip()
    until(lambda: client.runs.show(run=run_id).metrics.get("loss/train") == 1.0)
    listed = client.runs.list(experiment="hand", state="active").items
    assert [run.id for run in listed] == [run_id]
    (odd,) = until(lambda: [s for s in client.runs.metrics(run=run_id).series if s.tag == "odd"])
    assert (odd.values, odd.missing) == ([None], ["nan"])
    out, _ = script.communicate("go on\n")
    assert "has ended" in out
    run = client.runs.show(run="live")
    assert (run.state, run.job) == ("succeeded", "")
    assert run.params == {"lr": 0.5, "batch": 32}
    compared = client.runs.compare(runs=[run_id, "live"])
    assert compared.metrics["loss/train"] == [0.5, 0.5]
    assert client.runs.delete(run=run_id).freed_bytes > 0


@pytest.mark.parametrize(
    ("last", "state", "message"),
    [
        ("", "succeeded", "it finished"),
        ("raise ValueError('no such luck')", "failed", "ValueError: no such luck"),
        ("\nwith run:\n    raise KeyboardInterrupt", "stopped", "interrupted"),
        ("\nimport os\nif not os.fork():\n    run.log(2, loss=1.0)\nos.wait()", "succeeded", ""),
    ],
    ids=["forgotten", "error", "interrupt", "fork"],
)
def test_a_program_that_ends_says_how(
    server: Server, client: Client, last: str, state: str, message: str
) -> None:
    first = "import aimass_jupyter\nrun = aimass_jupyter.start_run('ends')\nrun.log(0, loss=2.0)\n"
    script = program(server, first + last, stderr=subprocess.DEVNULL)
    script.communicate()
    run = client.runs.show(run="ends")
    assert run.state == state
    assert message in run.cause.message
    assert run.metrics == {"loss": 2.0}


LONG = """
import time, aimass_jupyter
run = aimass_jupyter.start_run("long")
print(run.id, flush=True)
step = 0
while True:
    run.log(step, loss=float(step))
    print(step, flush=True)
    step += 1
    time.sleep(0.01)
"""


@pytest.mark.faults
def test_a_killed_program_is_not_running_for_ever(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start("--AimassApp.run_lost_seconds=2", "--AimassApp.warm=False")
    try:
        script = program(server, LONG)
        assert script.stdout is not None
        run_id = script.stdout.readline().strip()
        with server.client() as client:
            until(lambda: client.runs.show(run=run_id).metrics)
            script.kill()
            script.communicate()
            run = until(lambda: (r := client.runs.show(run=run_id)).state == "lost" and r)
            assert run.cause.code == "abandoned"
            assert run.metrics["loss"] >= 0
    finally:
        server.stop_everything()


@pytest.mark.faults
def test_a_killed_server_gets_every_point_once(own_server: Server) -> None:
    script = program(
        own_server,
        """
        import select, sys, time, aimass_jupyter
        with aimass_jupyter.start_run("long") as run:
            print(run.id, flush=True)
            step = 0
            while not select.select([sys.stdin], [], [], 0.002)[0]:
                run.log(step, loss=float(step))
                step += 1
        print(step)
        """,
    )
    assert script.stdout is not None
    run_id = script.stdout.readline().strip()
    with own_server.client() as client:
        until(lambda: client.runs.show(run=run_id).metrics)
    own_server.kill()
    time.sleep(0.5)
    own_server.start()
    out, _ = script.communicate("stop\n")
    with own_server.client() as client:
        assert client.runs.show(run=run_id).state == "succeeded"
        (series,) = client.runs.metrics(run=run_id).series
    assert series.steps == list(range(int(out)))
