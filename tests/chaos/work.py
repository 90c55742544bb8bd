"""What the jobs of a storm run: it leaves a mark of its start, says numbered lines, and ends.

Arguments: the folder of marks, and what it is to do. It is sent as own code and imports nothing
of the product.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

_MORE_BYTES = 64 << 20
eaten: list[bytes] = []


def mark(marks: Path, job: str) -> None:
    """Leave a mark of this start: one line, appended in one write."""
    descriptor = os.open(marks / job, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{os.getpid()} {time.time()}\n".encode())
    os.close(descriptor)


def say_until(done: Path, eat: Path, seconds: float) -> None:
    """Say numbered lines until a file is there; take memory when another one is."""
    number = 20
    while not done.exists():
        time.sleep(seconds)
        if eat.exists():
            eaten.append(b"x" * _MORE_BYTES)
        if seconds < 1:
            print(f"line {number}", flush=True)
            number += 1
    print(f"end {number}", flush=True)


def take_memory() -> None:
    """Ask for more memory than this process may have."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MORE_BYTES, used + _MORE_BYTES))
    bytearray(4 * _MORE_BYTES)


def main(marks: Path, kind: str) -> None:
    """Do as the kind says; ``wait``, ``again`` and ``quiet`` wait for ``<marks>/<job>.go``,
    and take memory once there is ``<marks>/<job>.eat``."""
    job = os.environ["AIMASS_JOB_ID"]
    mark(marks, job)
    for number in range(20):
        print(f"line {number}", flush=True)
    if kind == "fail":
        raise RuntimeError(f"planned failure of {job}")
    if kind == "memory":
        take_memory()
    if kind == "finish":
        time.sleep(0.3)
        print("end 20", flush=True)
    if kind in ("wait", "again", "quiet"):
        go, eat = marks / f"{job}.go", marks / f"{job}.eat"
        say_until(go, eat, 1.0 if kind == "quiet" else 0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
