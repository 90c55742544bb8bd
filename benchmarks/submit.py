"""From a submission to the first optimizer step on two ranks: what the submit benchmarks share.

The same script runs under the product and under ``horovodrun`` and ``torchrun``. The clock starts
when the client is called (it packs the script, sends it and posts the job), or when the peer's
command is; it stops when rank 0 has taken the first step.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from figures import Comparison, publish, version_of

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, owner
from aimass_jupyter.client.starting import stop_programs

SCRIPT = Path(__file__).with_name("first_step.py")
RANKS = 2
PATIENCE_SECONDS = 120.0
REST_SECONDS = 10.0  # a control plane that was started just now has no ranks that wait
PEERS = {
    "horovod": ("horovodrun", ["-np", str(RANKS)], "horovod"),
    "torchrun": ("torchrun", ["--nproc-per-node", str(RANKS), "--standalone"], "torch"),
}


def main(row: str, *, warm: bool, goal: float, runs: int, description: str) -> None:
    """Measure both engines beside their peers and publish."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--runs", type=int, default=runs, help="of the product, for its p99")
    options = parser.parse_args()
    engines = [engine for engine in PEERS if engine != "horovod" or find_spec("horovod")]
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
        folder = Path(name)
        with control_plane(folder / "data", warm=warm) as client:
            work = Submissions(client, folder, "warm" if warm else "cold")
            publish(row, [compared(work, e, options.pairs, options.runs, goal) for e in engines])


def compared(work: Submissions, engine: str, pairs: int, runs: int, goal: float) -> Comparison:
    """Ours and the peer's in turn, then ours alone until there are enough for a percentile."""
    command, _, package = PEERS[engine]
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(work.ours(engine))
        theirs.append(work.theirs(engine))
    ours += [work.ours(engine) for _ in range(runs - pairs)]
    p99 = statistics.quantiles(ours, n=100)[98]
    note = f"ours over {len(ours)} runs: p50 {statistics.median(ours):.3f} s, p99 {p99:.3f} s"
    return Comparison(command, version_of(package), ours, theirs, "s", goal, note=note)


class Submissions:
    """Runs the script, by the product or by a peer; tells how long the first step took."""

    def __init__(self, client: Client, folder: Path, start: str) -> None:
        self._client = client
        self._start = start
        self._answer = folder / "answer"

    def ours(self, engine: str) -> float:
        """Seconds from the call of the client."""
        began = time.time()
        job = self._client.train(SCRIPT, np=RANKS, engine=engine, arguments=[str(self._answer)])
        ended = self._client.wait(job.id)
        if ended.state != "succeeded" or ended.start != self._start:
            raise SystemExit(f"{ended.id} is {ended.state}, {ended.start} start: {ended.cause}")
        return self._read() - began

    def theirs(self, engine: str) -> float:
        """Seconds from the start of the peer's command."""
        command, options, _ = PEERS[engine]
        program = str(Path(sys.executable).with_name(command))
        script = [sys.executable, str(SCRIPT)] if engine == "horovod" else [str(SCRIPT)]
        began = time.time()
        argv = [program, *options, *script, str(self._answer)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if not self._answer.exists():  # how it ends is not measured: torch may abort at its exit
            raise SystemExit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
        return self._read() - began

    def _read(self) -> float:
        stepped_at = float(self._answer.read_text())
        self._answer.unlink()
        return stepped_at


@contextmanager
def control_plane(folder: Path, *, warm: bool) -> Iterator[Client]:
    """A control plane of its own, and a client of it."""
    folder.mkdir(mode=0o700)
    options = [f"--AimassApp.data={folder}", f"--AimassApp.warm={warm}"]
    with (folder / "control-plane.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aimass_server", *options], stdout=log, stderr=log, cwd=folder
        )
    try:
        found = until(lambda: owner(folder))
        with Client(Address(found.url, found.token_file.read_text())) as client:
            until(lambda: not warm or is_warm(client))
            time.sleep(REST_SECONDS if warm else 0)
            yield client
    finally:
        process.terminate()
        process.wait()
        stop_programs(folder)


def is_warm(client: Client) -> bool:
    """Whether a job would start warm now."""
    checks = {check.name: check.found for check in client.system.doctor().checks}
    return checks["warm launcher"].startswith("ready")


def until(found: Any) -> Any:
    """Wait for something to be there, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (thing := found()):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing came in {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.1)
    return thing
