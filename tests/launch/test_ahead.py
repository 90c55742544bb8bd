"""Ranks that wait for their job: it is as any other, and they never stay behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aimass_jupyter.host import is_alive, marked_processes, read_record, send_signal, write_record
from aimass_jupyter.launch.ahead import Shape
from aimass_jupyter.launch.marking import ROOM
from aimass_jupyter.launch.order import JobOrder
from tests.launch.conftest import Launched, Launcher, order_job, require, until

pytestmark = pytest.mark.slow

Job = Callable[..., Launched]
ENGINES = [("single", 1), ("torchrun", 2), ("horovod", 2)]
OTHERS = [("torchrun", 3), ("torchrun", 4)]  # known by as many ranks as no test has
Tree = dict[str, psutil.Process]


def waiting(warm: Launcher) -> list[Tree]:
    """The trees of processes that wait for a job, by name, the oldest first; those that end
    meanwhile are none of them.
    """
    found = []
    for supervisor, name in named(psutil.Process(warm.process.pid).children()):
        if name == "aimass-ahead":
            with contextlib.suppress(psutil.NoSuchProcess):
                tree = [supervisor, *supervisor.children(recursive=True)]
                found.append({name: process for process, name in named(tree)})
    return found


def named(processes: list[psutil.Process]) -> Iterator[tuple[psutil.Process, str]]:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield process, process.name()


def prepared(warm: Launcher, engine: str, np: int) -> Tree:
    """Have ranks wait for a job, alone of their shape; gives them once they are ready."""
    require(engine)
    leaving = {one.pid for tree in waiting(warm) for one in tree.values()}  # at their leisure
    for others in OTHERS:  # all others make room for them
        warm.expect(*others)
    warm.expect(engine, np)
    rests = psutil.STATUS_STOPPED if engine == "horovod" else psutil.STATUS_SLEEPING
    others_of_it = {"aimass-gang"} | ({"aimass-meeting"} if engine != "single" else set())

    def ready() -> Tree | None:
        for tree in waiting(warm):
            if any(one.pid in leaving for one in tree.values()):
                continue
            ranks = [one for name, one in tree.items() if name.startswith("aimass-rank-")]
            whole = len(ranks) == np and others_of_it <= tree.keys()  # each has its name by now
            if whole and all(state_of(rank) == rests for rank in ranks):
                return tree
        return None

    tree: Tree = until(ready)
    return tree


def gone(tree: Tree) -> bool:
    """Whether all of them have ended."""
    return not any(alive(process) for process in tree.values())


def alive(process: psutil.Process) -> bool:
    return state_of(process) not in ("", psutil.STATUS_ZOMBIE)


def state_of(process: psutil.Process) -> str:
    """What it does; empty when it has ended."""
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return ""


@pytest.mark.parametrize(("engine", "np"), ENGINES)
def test_a_job_takes_the_ranks_that_wait(
    job: Job, warm: Launcher, finished: Callable[[str, int], Launched], engine: str, np: int
) -> None:
    tree = prepared(warm, engine, np)
    launched = job(engine, np, epochs=6)
    supervisor = warm.start(launched)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["code"] == "finished", launched.exit_record
    assert launched.log("launcher.log").startswith("warm start")
    record = read_record(launched.folder / "ranks.json")
    assert record
    assert record["pids"] == [tree[f"aimass-rank-{number}"].pid for number in range(np)]
    cold = finished(engine, np)
    ours, theirs = (
        json.loads((one.folder / "metrics.json").read_text())["metrics"] for one in (launched, cold)
    )
    assert ours == theirs
    assert launched.processes() == []
    until(lambda: gone(tree))


def test_they_know_no_job_before_and_carry_its_marker_then(job: Job, warm: Launcher) -> None:
    tree = prepared(warm, "torchrun", 2)
    marked = set(marked_processes(ROOM.name, ROOM.value))
    assert {process.pid for process in tree.values()} <= {process.pid for process in marked}
    launched = job("torchrun", 2, epochs=100_000, architecture="linear")
    supervisor = warm.start(launched)
    for number in (0, 1):
        rank = launched.rank(number)  # it has the marker
        environment = Path(f"/proc/{rank.pid}/environ").read_bytes()
        assert b"canary" not in environment
        assert ROOM.value.encode() not in environment
    assert tree["aimass-gang"].pid in {process.pid for process in launched.processes()}
    send_signal(supervisor, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["code"] == "stopped"
    assert launched.processes() == []
    until(lambda: gone(tree))


def test_a_job_of_another_shape_leaves_them_alone(job: Job, warm: Launcher) -> None:
    tree = prepared(warm, "torchrun", 2)
    supervisor = warm.start(job("single", 1, epochs=1))
    until(lambda: not is_alive(supervisor))
    assert tree in waiting(warm)
    warm.expect("single", 1)
    until(lambda: len(waiting(warm)) == 2)
    assert tree in waiting(warm)
    warm.expect("unheard of", 2)  # nothing comes of it
    warm.expect("torchrun", 1)
    until(lambda: gone(tree))  # two shapes at most are waited for
    until(lambda: len(waiting(warm)) == 2)


def test_where_one_job_follows_the_other_two_wait(
    warm: Launcher, digits: Path, tmp_path: Path
) -> None:
    prepared(warm, "single", 1)
    for number in range(2):
        launched = Launched(tmp_path / str(number))
        launched.folder.mkdir()
        order_job(launched, digits, "single", 1, epochs=1)
        supervisor = warm.start(launched)
        until(lambda supervisor=supervisor: not is_alive(supervisor))
    until(lambda: len(waiting(warm)) == 2)  # nobody had to ask for the one that gets ready
    for _ in range(3):
        warm.expect("single", 1)
    require("torchrun")
    warm.expect("torchrun", 1)  # what was asked for before has been done once it waits
    until(lambda: ["aimass-meeting" in tree for tree in waiting(warm)] == [False, False, True])


@pytest.mark.faults
@pytest.mark.parametrize("killed", ["aimass-ahead", "aimass-gang", "aimass-rank-1"])
def test_one_that_is_killed_takes_the_others_along_and_no_job(
    job: Job, warm: Launcher, killed: str
) -> None:
    tree = prepared(warm, "torchrun", 2)
    tree[killed].kill()
    ranks = {name: one for name, one in tree.items() if name != "aimass-ahead"}
    until(lambda: gone(ranks))
    launched = job("torchrun", 2, epochs=1)
    supervisor = warm.start(launched)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["code"] == "finished", launched.exit_record
    until(lambda: gone(tree))


@pytest.mark.faults
@pytest.mark.parametrize("after", [0.0, 0.003, 0.01, 0.03, 0.1])
def test_a_stop_in_any_phase_leaves_nothing(job: Job, warm: Launcher, after: float) -> None:
    tree = prepared(warm, "horovod", 2)
    launched = job("horovod", 2, epochs=100_000, architecture="linear")
    supervisor = warm.start(launched)
    time.sleep(after)
    write_record(launched.folder / "stop.json", {"by": "ada"})
    send_signal(supervisor, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["message"] == "stopped by ada"
    assert launched.processes() == []
    until(lambda: gone(tree))


@pytest.mark.faults
@pytest.mark.parametrize("after", [0.0, 0.003, 0.01, 0.03, 0.1])
def test_a_supervisor_that_is_killed_in_any_phase_leaves_only_what_is_marked(
    job: Job, warm: Launcher, after: float
) -> None:
    tree = prepared(warm, "horovod", 2)
    launched = job("horovod", 2, epochs=100_000, architecture="linear")
    supervisor = warm.start(launched)
    time.sleep(after)
    send_signal(supervisor, signal.SIGKILL)
    until(lambda: not is_alive(supervisor))
    launched.end()  # what the control plane does: it ends all that has the marker
    assert launched.processes() == []
    until(lambda: gone(tree))


@pytest.mark.faults
def test_they_end_with_the_launcher(source: Path, tmp_path: Path) -> None:
    for end in (Launcher.hang_up, lambda launcher: launcher.process.kill()):
        launcher = Launcher(os.environ | {"PYTHONPATH": str(source)}, tmp_path / "warm.log")
        assert launcher.hear() == {"ready": True}
        tree = prepared(launcher, "horovod", 2)
        end(launcher)
        launcher.hang_up()
        until(lambda tree=tree: gone(tree))


def test_a_shape_suits_jobs_whose_ranks_a_gang_forks_here() -> None:
    def order(**more: object) -> JobOrder:
        return JobOrder(**({"id": "j", "engine": "horovod", "np": 2, "python": "p"} | more))

    shape = Shape("horovod", 2)
    assert shape.suits(order())
    assert shape.suits(order(min_np=1, own_code=True))
    assert not shape.suits(order(np=1))
    assert not shape.suits(order(engine="torchrun"))
    assert not shape.suits(order(min_np=1)), "its driver is another process"
    assert not shape.suits(order(where="nodes"))
