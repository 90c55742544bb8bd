"""Jobs that are broken on purpose: whatever happens, the cause is told and nothing is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimass_jupyter.host import send_signal, write_record
from tests.launch.conftest import PATIENCE_SECONDS, Launched, until

pytestmark = [pytest.mark.slow, pytest.mark.faults]

Job = Callable[..., Launched]


def long_job(job: Job, engine: str, np: int = 2) -> Launched:
    """A job that would train for hours, by quick epochs."""
    return job(engine, np, epochs=100_000, architecture="linear")


def epochs_done(launched: Launched) -> int:
    return launched.log("rank-0.log").count("\nepoch ")


@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_a_killed_rank_is_named_and_takes_the_others_with_it(job: Job, engine: str) -> None:
    launched = long_job(job, engine)
    supervisor = launched.start()
    until(lambda: epochs_done(launched) > 1)
    send_signal(launched.rank(1), signal.SIGKILL)
    killed = time.monotonic()
    supervisor.wait(PATIENCE_SECONDS)
    assert time.monotonic() - killed < 15
    assert launched.cause["code"] == "signal", launched.exit_record
    assert launched.cause["rank"] == 1
    assert "rank 1 SIGKILL" in launched.cause["message"]
    assert launched.processes() == []


def test_the_only_rank_is_killed(job: Job) -> None:
    launched = long_job(job, "single", 1)
    supervisor = launched.start()
    send_signal(launched.rank(0), signal.SIGKILL)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["message"] == "rank 0 SIGKILL"
    assert launched.exit_record["signal"] == "SIGKILL"


@pytest.mark.parametrize(
    ("engine", "after"), [("horovod", 0.0), ("horovod", 0.3), ("horovod", 1.5), ("torchrun", 1.0)]
)
def test_a_stop_while_it_starts_leaves_nothing(job: Job, engine: str, after: float) -> None:
    launched = long_job(job, engine)
    supervisor = launched.start()
    until(lambda: (launched.folder / "started.json").exists())
    time.sleep(after)
    write_record(launched.folder / "stop.json", {"by": "ada"})
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["message"] == "stopped by ada"
    assert launched.processes() == []


@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_a_stop_reaches_a_rank_that_hangs(job: Job, engine: str) -> None:
    launched = long_job(job, engine)
    supervisor = launched.start()
    until(lambda: epochs_done(launched) > 0)
    send_signal(launched.rank(1), signal.SIGSTOP)
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "stopped"
    assert launched.processes() == []


@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_a_rank_that_hung_for_a_while_goes_on(job: Job, engine: str) -> None:
    launched = long_job(job, engine)
    supervisor = launched.start()
    rank = launched.rank(1)
    until(lambda: epochs_done(launched) > 0)
    send_signal(rank, signal.SIGSTOP)
    time.sleep(3)
    held = epochs_done(launched)
    send_signal(rank, signal.SIGCONT)
    until(lambda: epochs_done(launched) > held)
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "stopped"


def test_an_interrupted_job_goes_on_to_the_same_result(job: Job, launched: Launched) -> None:
    job("single", 1, epochs=20).run()
    whole = json.loads((launched.folder / "metrics.json").read_text())["metrics"]
    launched.clear()

    supervisor = job("single", 1, epochs=20).start()
    rank = launched.rank(0)  # looked for before: the job does not wait for us
    until(lambda: epochs_done(launched) > 1)
    send_signal(rank, signal.SIGKILL)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["rank"] == 0
    launched.clear(keep=("checkpoints",))

    job("single", 1, epochs=20).run()
    assert "going on from the checkpoint after step" in launched.log("rank-0.log")
    again = json.loads((launched.folder / "metrics.json").read_text())["metrics"]
    assert again == pytest.approx(whole, abs=1e-6)


def test_a_log_that_floods_is_capped_and_the_rank_lives(launched: Launched) -> None:
    code = (
        "line = 'x' * 1023 + chr(10)\n"
        "for _ in range(66 * 1024): print(line, end='')\n"
        "print('the end')\nraise SystemExit(3)"
    )
    launched.order({"kind": "command", "argv": [sys.executable, "-c", code]})
    record = launched.run()
    log = launched.folder / "log" / "process.log"
    assert log.stat().st_size < 65 * 1024 * 1024
    assert "log cut here" in log.read_text()[-200:]
    assert record["cause"]["last_lines"][-1] == "the end"


def test_a_disk_that_fills_while_training_is_the_cause(job: Job) -> None:
    """The first checkpoint does not fit, and neither does the record of the failure."""
    cause = job("single", 1, epochs=3).run_on_small_disk(megabytes=1)["cause"]
    assert cause["code"] == "disk-full"
    assert cause["rank"] == 0


def test_a_kill_for_memory_is_told_from_other_kills(launched: Launched) -> None:
    hungry = "x = []\nwhile True: x.append(bytearray(1 << 20))"
    launched.order({"kind": "command", "argv": [sys.executable, "-c", hungry]})
    with small_memory(60) as group:
        enter = (
            "import os, pathlib, sys; "
            f"pathlib.Path({str(group / 'cgroup.procs')!r}).write_text(str(os.getpid())); "
            "os.execv(sys.executable, [sys.executable, '-m', 'aimass_jupyter.launch', sys.argv[1]])"
        )
        subprocess.run([sys.executable, "-c", enter, str(launched.folder)], check=True, timeout=60)
    assert launched.cause["code"] == "out-of-memory"
    assert launched.exit_record["signal"] == "SIGKILL"


@contextmanager
def small_memory(megabytes: int) -> Iterator[Path]:
    """A control group below our own with little memory; skip where we may not make one."""
    entries = [line.split(":") for line in Path("/proc/self/cgroup").read_text().splitlines()]
    version_1 = next((path for _, names, path in entries if "memory" in names.split(",")), None)
    root = Path("/sys/fs/cgroup", "memory" if version_1 else "")
    own = version_1 or next(path for number, _, path in entries if number == "0")
    limit = "memory.limit_in_bytes" if version_1 else "memory.max"
    group = root / own.strip("/") / f"aimass-{time.time_ns()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(megabytes << 20))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group
    finally:
        group.rmdir()
