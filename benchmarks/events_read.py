"""One million scalars read from an event file, beside TensorBoard's two readers; and a tail of 100.

::

    python benchmarks/events_read.py [--pairs 5] [--points 1000000]

Each reading is done by a process of its own, after its imports: the product (which checks every
CRC, and hands the points out column by column), TensorBoard's ``EventAccumulator`` (all points
kept), and TensorBoard's data server in Rust (all points kept; it checks no CRC unless asked to).
Points of two curves take turns, as a training loop writes them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Comparison, publish, version_of

TAIL = 100
TAIL_LIMIT_MS = 2.0
TAGS = ("loss/train", "learning_rate")
_TICKS = os.sysconf("SC_CLK_TCK")


def write(folder: Path, points: int) -> None:
    """Write an event file, by the product's own writer."""
    from aimass_jupyter.training.events import EventWriter

    writer = EventWriter(folder)
    for step in range(points // len(TAGS)):
        for tag in TAGS:
            writer.add(tag, 1 / (step + 1), step)
    writer.close()


@contextmanager
def timed(took: dict[str, float]) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took["wall"], took["cpu"] = time.perf_counter() - wall, time.process_time() - cpu


def read_ours(folder: Path, points: int) -> dict[str, float]:
    """The product's reader; then a tail of 100 points, several times."""
    import aimass_server.tracking.bulk  # noqa: F401 - else it is imported at the first record
    from aimass_server.tracking import EventFileReader

    took: dict[str, float] = {}
    with timed(took):
        reader = EventFileReader(folder)
        reader.read_new()
    found = reader.summaries()
    assert sum(one.points for one in found.values()) == points
    return took | {"tail_ms": _tail_ms(reader, folder)}


def _tail_ms(reader: object, folder: Path) -> float:
    from aimass_jupyter.training.events import encode_scalar
    from aimass_jupyter.training.wire import record

    (path,) = folder.glob("events.*")
    cursor = reader.series_since().cursor  # type: ignore[attr-defined]
    took = []
    for turn in range(21):
        with path.open("ab") as file:
            for step in range(TAIL):
                point = encode_scalar(time.time(), TAGS[0], 0.5, 10**6 + turn * TAIL + step)
                file.write(record(point))
        began = time.perf_counter()
        reader.read_new()  # type: ignore[attr-defined]
        curves = reader.series_since(cursor)  # type: ignore[attr-defined]
        took.append((time.perf_counter() - began) * 1e3)
        assert [len(series.steps) for series in curves.series] == [TAIL]
        cursor = curves.cursor
    return sorted(took)[len(took) // 2]


def read_accumulator(folder: Path, points: int) -> dict[str, float]:
    """TensorBoard's reader in Python."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    took: dict[str, float] = {}
    with timed(took):
        found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert sum(len(found.Scalars(tag)) for tag in TAGS) == points
    return took


def read_rust(folder: Path) -> dict[str, float]:
    """TensorBoard's data server: from its start to the end of its load."""
    from tensorboard_data_server import server_binary

    argv = [
        server_binary(), "--logdir", str(folder), "--port", "0", "--reload", "once", "-v",
        "--samples-per-plugin", "scalars=all",
    ]  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Finished load cycle" in line:
                break
        wall = time.perf_counter() - began
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        process.kill()
    return {"wall": wall, "cpu": (int(fields[11]) + int(fields[12])) / _TICKS}


def apart(reader: str, folder: Path, points: int) -> dict[str, float]:
    """Read in a fresh process."""
    argv = [sys.executable, __file__, "--reader", reader, "--folder", str(folder)]
    done = subprocess.run(
        [*argv, "--points", str(points)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(pairs: int, points: int) -> None:
    """Read in turn, and publish the medians."""
    peers = {"EventAccumulator": "tensorboard", "Rust data server": "tensorboard_data_server"}
    ours: list[dict[str, float]] = []
    theirs: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
    for turn in range(pairs):
        with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
            folder = Path(name)
            write(folder, points)
            theirs["Rust data server"].append(read_rust(folder))
            theirs["EventAccumulator"].append(apart("accumulator", folder, points))
            ours.append(apart("ours", folder, points))  # last: it appends a tail
        print(f"{turn + 1}: {ours[-1]}", {peer: found[-1] for peer, found in theirs.items()})
    goals = {"EventAccumulator": 100.0, "Rust data server": 5.0}
    comparisons = [
        Comparison(
            peer, version_of(package),
            [one[unit] for one in ours], [one[unit] for one in theirs[peer]],
            {"wall": "s", "cpu": "CPU-s"}[unit], goals[peer], note=f"{points:,} scalars",
        )
        for peer, package in peers.items()
        for unit in ("cpu", "wall")
    ]  # fmt: skip
    tails = [one["tail_ms"] for one in ours]
    limit = Comparison("a limit of 2 ms", "-", tails, [TAIL_LIMIT_MS] * len(tails), "ms", 1.0,
                       note=f"a tail of {TAIL} points behind {points:,}")  # fmt: skip
    publish("events-read", [*comparisons, limit])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--reader", choices=["ours", "accumulator"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        read = read_ours if options.reader == "ours" else read_accumulator
        print(json.dumps(read(options.folder, options.points)))
    else:
        measure(options.pairs, options.points)


if __name__ == "__main__":
    main()
