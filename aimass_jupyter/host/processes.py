"""Processes: known by boot, pid and start time, found by a marker, stopped for good."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same pid."""

    boot_id: str
    pid: int
    start_time: int

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> ProcessIdentity:
        return cls(str(record["boot_id"]), int(record["pid"]), int(record["start_time"]))


@cache
def boot_id() -> str:
    """The id that the kernel drew when it booted."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a living process (a zombie is none)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # gone, or hidden from us
        return None
    fields = stat.rpartition(b")")[2].split()  # the name in brackets may hold any bytes
    if fields[0] in b"ZX":
        return None
    return ProcessIdentity(boot_id(), pid, int(fields[19]))


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether that very process still runs."""
    return identify(identity.pid) == identity


def send_signal(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal that very process; False when it is gone. A pidfd closes the race with pid reuse."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def marked_processes(name: str, value: str) -> Iterator[ProcessIdentity]:
    """The living processes that carry ``name=value`` in their environment, this one left out."""
    needle = f"{name}={value}".encode()
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environment = Path(entry.path, "environ").read_bytes()
            except OSError:  # gone, or another user's
                continue
            if needle in environment.split(b"\0") and (found := identify(int(entry.name))):
                yield found


def stop_marked(name: str, value: str, grace_seconds: float) -> int:
    """End every process with the marker, also those that left the process group.

    What descends from them goes with them, though it shed the marker. TERM first, KILL after the
    grace period, again until none is left: a process may fork while it is being stopped. Returns
    how many were still there after the grace period.
    """
    deadline = time.monotonic() + grace_seconds
    marked = list(marked_processes(name, value))
    shed = _descendants({process.pid for process in marked}) if marked else []

    def left() -> list[ProcessIdentity]:
        found = list(marked_processes(name, value))
        return found + [process for process in shed if process not in found and is_alive(process)]

    for process in (*marked, *shed):
        send_signal(process, signal.SIGTERM)
    while left() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    killed = 0
    while remaining := left():
        killed += sum(send_signal(process, signal.SIGKILL) for process in remaining)
        time.sleep(_POLL_SECONDS)
    return killed


def _descendants(pids: set[int]) -> list[ProcessIdentity]:
    """The living processes that descend from some, those and this one left out."""
    parents = _parents()
    known = pids | {os.getpid()}
    found: list[ProcessIdentity] = []
    while born := {pid for pid, parent in parents.items() if parent in pids} - known:
        found += [identity for pid in born if (identity := identify(pid))]
        known, pids = known | born, born
    return found


def _parents() -> dict[int, int]:
    """The parent of each process."""
    parents: dict[int, int] = {}
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # gone, or hidden from us
                    stat = Path(entry.path, "stat").read_bytes()
                    parents[int(entry.name)] = int(stat.rpartition(b")")[2].split()[1])
    return parents
