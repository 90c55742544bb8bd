"""One scalar logged from a training loop, beside SummaryWriter and mlflow.

::

    python benchmarks/events_log.py [--pairs 5] [--points 20000]

``mlflow.log_metric`` writes to SQLite, in an environment of its own that is made on the first run
(build/peers/mlflow); where it cannot be installed, the record says so. The overhead on a loop at
1 kHz is the processor time that logging takes of each second, the writing thread's included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from figures import Comparison, publish, version_of

MLFLOW = "3.17.2"
MLFLOW_POINTS = 300
RATE = 1000
LOOP_SECONDS = 5
PEERS = Path(__file__).parents[1] / "build" / "peers"

_ASK_MLFLOW = """
import logging, sys, time
logging.disable(logging.CRITICAL)
import mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
mlflow.set_experiment("bench")
with mlflow.start_run():
    for step in range(20):
        mlflow.log_metric("loss", 0.5, step=step)
    began = time.perf_counter()
    for step in range(int(sys.argv[2])):
        mlflow.log_metric("loss", 1 / (step + 1), step=20 + step)
    print((time.perf_counter() - began) / int(sys.argv[2]) * 1e6)
"""


def log_ours(folder: Path, points: int) -> float:
    """Microseconds a point, by the product's writer."""
    from aimass_jupyter.training.events import EventWriter

    writer = EventWriter(folder)
    writer.add("loss", 0.5, 0)
    began = time.perf_counter()
    for step in range(points):
        writer.add("loss", 1 / (step + 1), step)
    took = time.perf_counter() - began
    writer.close()
    return took / points * 1e6


def log_summary_writer(folder: Path, points: int) -> float:
    """Microseconds a point, by torch's SummaryWriter."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    writer.add_scalar("loss", 0.5, 0)
    began = time.perf_counter()
    for step in range(points):
        writer.add_scalar("loss", 1 / (step + 1), step)
    took = time.perf_counter() - began
    writer.close()
    return took / points * 1e6


def mlflow_python() -> tuple[Path | None, str]:
    """An interpreter that has mlflow; none, and why, when it cannot be installed."""
    folder = PEERS / f"mlflow-{MLFLOW}"
    python = folder / "bin" / "python"
    ask = [str(python), "-c", "import mlflow; print(mlflow.__version__)"]
    if python.exists() and subprocess.run(ask, capture_output=True, check=False).returncode == 0:
        return python, ""
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet", f"mlflow=={MLFLOW}"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines() or ["it said nothing"]
    return (python, "") if done.returncode == 0 else (None, lines[-1])


def log_mlflow(python: Path, folder: Path) -> float:
    """Microseconds a point, by mlflow in SQLite."""
    argv = [str(python), "-c", _ASK_MLFLOW, str(folder / "mlflow.db"), str(MLFLOW_POINTS)]
    done = subprocess.run(
        argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    )
    return float(done.stdout.strip().splitlines()[-1])


def loop_overhead(folder: Path) -> float:
    """Percent of a processor that logging takes at 1 kHz; the same loop without it taken off."""
    from aimass_jupyter.training.events import EventWriter

    writer = EventWriter(folder)
    with_it = _loop_cpu(lambda step: writer.add("loss", 0.5, step))
    writer.close()
    without = _loop_cpu(lambda _step: None)
    return (with_it - without) / LOOP_SECONDS * 100


def _loop_cpu(work: object) -> float:
    """Processor seconds of a loop that does some work a thousand times a second."""
    began, cpu = time.perf_counter(), time.process_time()
    for step in range(RATE * LOOP_SECONDS):
        work(step)  # type: ignore[operator]
        time.sleep(max(0.0, began + (step + 1) / RATE - time.perf_counter()))
    return time.process_time() - cpu


def measure(pairs: int, points: int) -> None:
    """Log in turn, and publish the medians."""
    python, why_not = mlflow_python()
    ours: list[float] = []
    torchs: list[float] = []
    mlflows: list[float] = []
    overheads: list[float] = []
    for _ in range(pairs):
        with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
            ours.append(log_ours(Path(name) / "ours", points))
            torchs.append(log_summary_writer(Path(name) / "torch", points))
            if python:
                mlflows.append(log_mlflow(python, Path(name)))
            overheads.append(max(loop_overhead(Path(name) / "loop"), 0.01))
        print(f"ours {ours[-1]:.2f} µs, SummaryWriter {torchs[-1]:.1f} µs")
    comparisons = [
        Comparison("SummaryWriter.add_scalar", version_of("torch"), ours, torchs, "µs", 10.0),
        Comparison(
            "a limit of 1 %", "-", overheads, [1.0] * pairs, "% of a core", 1.0,
            note="overhead of logging at 1 kHz, the writing thread's included",
        ),
    ]  # fmt: skip
    if mlflows:
        comparisons.append(Comparison("mlflow.log_metric", MLFLOW, ours, mlflows, "µs", 500.0))
    publish("events-log", comparisons)
    if why_not:
        print(f"mlflow {MLFLOW} could not be installed: {why_not}")
        path = Path(__file__).parents[1] / "build" / "bench" / "events-log.json"
        missing = {"row": "events-log", "peer": "mlflow.log_metric", "missing": why_not}
        path.write_text(json.dumps([*json.loads(path.read_text()), missing], indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--points", type=int, default=20_000)
    options = parser.parse_args()
    measure(options.pairs, options.points)


if __name__ == "__main__":
    main()
