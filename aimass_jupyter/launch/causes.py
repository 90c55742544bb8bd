"""Causes: why what was supervised ended, told from what its processes left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_record
from aimass_jupyter.launch.launchers import RankExit, signal_name

_EXCEPTION_LINE = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit)\b(?::.*)?$")
_NO_MEMORY = re.compile(r"MemoryError|OutOfMemoryError|can't allocate memory|bad_alloc")
_NO_SPACE = re.compile(r"\[Errno 28\]|No space left on device|InsufficientStorage")


@dataclass(frozen=True)
class Cause:
    """The fields of the contract's ``Cause``, without its weight."""

    code: str
    message: str
    rank: int | None = None
    last_lines: list[str] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Evidence:
    """What is known when everything has ended."""

    folder: Path
    code: int | None
    stopped_by: str
    oom_kills: int
    first_exit: RankExit | None
    last_lines: Callable[[int | None], list[str]]


def find_cause(evidence: Evidence) -> Cause:
    """Judge: a stop that was asked for first, then success, then who failed and of what."""
    if evidence.stopped_by:
        return Cause("stopped", f"stopped by {evidence.stopped_by}")
    if evidence.code == 0:
        return Cause("finished", "finished")
    return _killed(evidence) or _failed(evidence)


def _killed(evidence: Evidence) -> Cause | None:
    """A rank, or the one process, that a signal ended before it could say why."""
    first = evidence.first_exit
    rank = first.rank if first else None
    name = signal_name(first.code if first else evidence.code)
    spoke = any(record["rank"] == rank for record in read_failures(evidence.folder))
    if name is None or spoke:
        return None
    who = "the process" if rank is None else f"rank {rank}"
    lines = evidence.last_lines(rank)
    if name == "SIGKILL" and evidence.oom_kills:
        return Cause(
            "out-of-memory", f"{who} was killed: its memory limit was reached", rank, lines
        )
    return Cause("signal", f"{who} {name}", rank, lines)


def _failed(evidence: Evidence) -> Cause:
    """The rank that was the first to say that it fails; the words tell memory and disk apart."""
    failure = next(iter(read_failures(evidence.folder)), None)
    first = evidence.first_exit
    rank = failure["rank"] if failure else first.rank if first else None
    lines = evidence.last_lines(rank)
    if failure:
        code = _code(f"{failure['type']}: {failure['message']}")
        return Cause(code, failure["message"], rank, lines)
    message = _exception_line(lines) or f"it ended with exit code {evidence.code}"
    return Cause(_code(message), message, rank, lines)


def read_failures(folder: Path) -> list[dict[str, Any]]:
    """What the ranks that failed said, the first one first."""
    records = [read_record(path) for path in folder.glob("failure-rank-*.json")]
    return sorted(filter(None, records), key=lambda record: float(record["time"]))


def _exception_line(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if _EXCEPTION_LINE.match(line)), "")


def _code(message: str) -> str:
    if _NO_MEMORY.search(message):
        return "out-of-memory"
    return "disk-full" if _NO_SPACE.search(message) else "error"


def oom_kills() -> int:
    """How often the kernel killed for memory in this process's control group, as it counts."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        events = _events_file(number, controllers, path)
        if events and events.exists():
            counts = dict(pair.split() for pair in events.read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0


def _events_file(number: str, controllers: str, path: str) -> Path | None:
    if number == "0":
        return Path(f"/sys/fs/cgroup{path}/memory.events")
    if "memory" in controllers.split(","):
        return Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
    return None
