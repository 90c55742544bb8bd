"""Causes: why what was supervised ended, told from what its processes left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_beats, read_record
from aimass_jupyter.launch.launchers import GANG_RECORD, RankExit, signal_name

_EXCEPTION_LINE = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit)\b(?::.*)?$")
_NO_MEMORY = re.compile(r"MemoryError|OutOfMemoryError|can't allocate memory|bad_alloc")
_FAILURES = "failure-rank-*.json"
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
    stopped: Cause | None
    oom_kills: int
    exits: list[RankExit]
    last_lines: Callable[[int | None], list[str]]


def find_cause(evidence: Evidence) -> Cause:
    """Judge: a stop that was asked for first, then success, then who failed and of what.

    A rank that says what went wrong is believed before the exit codes, and those before ranks that
    only say that others are gone.
    """
    if evidence.stopped:
        return evidence.stopped
    if evidence.code == 0:
        return Cause("finished", "finished")
    failures = read_failures(evidence.folder)
    said = [failure for failure in failures if not failure["disconnected"]]
    if said:
        return _told(evidence, said[0])
    spoke = {int(failure["rank"]) for failure in failures}
    if spoke and (left := _left(evidence, spoke)):
        return left
    silent = _killed(evidence, spoke) or (_quit(evidence, spoke) if spoke else None)
    return silent or (_told(evidence, failures[0]) if failures else _untold(evidence))


def _told(evidence: Evidence, failure: dict[str, Any]) -> Cause:
    """A rank said it; it names the kind, or its words tell memory and disk from the rest."""
    code = failure.get("cause") or _code(f"{failure['type']}: {failure['message']}")
    rank = int(failure["rank"])
    told = failure.get("last_lines")  # of a rank that stood still: where it was
    lines = [] if failure.get("foreseen") else told or evidence.last_lines(rank)
    return Cause(code, str(failure["message"]), rank, lines)


def _killed(evidence: Evidence, spoke: set[int]) -> Cause | None:
    """A rank, or the one process, that a signal ended without a word.

    SIGTERM comes last: it is what a launcher sends to the others when one has failed.
    """
    exits = evidence.exits or [RankExit(None, evidence.code or 0)]
    silent = [(signal_name(ended.code), ended.rank) for ended in exits if ended.rank not in spoke]
    signalled = [(name, rank) for name, rank in silent if name]
    for name, rank in sorted(signalled, key=lambda found: found[0] == "SIGTERM"):
        first = _quit(evidence, spoke) if name == "SIGTERM" else None
        return first or _signalled(evidence, rank, name)
    return None


def _left(evidence: Evidence, waited: set[int]) -> Cause | None:
    """A rank that came to its end well, while others still did things together with it."""
    known = read_record(evidence.folder / GANG_RECORD) or {}
    beating = {beat.rank for beat in read_beats(evidence.folder)}
    died = {e.rank for e in evidence.exits if e.code and signal_name(e.code) != "SIGTERM"}
    left = set(range(len(known.get("pids", [])))) - beating - waited - died
    if not left:
        return None
    rank, other = min(left), min(waited)
    return Cause(
        "error",
        f"rank {rank} has ended, and rank {other} waited for it: every rank must do what is done "
        "together, such as steps, average, barrier and checkpoint",
        rank,
        evidence.last_lines(rank),
    )


def _quit(evidence: Evidence, spoke: set[int]) -> Cause | None:
    """A rank that ended itself without a word, where others only miss it."""
    for ended in evidence.exits:
        if ended.rank not in spoke and ended.code and not signal_name(ended.code):
            said = f"rank {ended.rank} ended with exit code {ended.code}"
            return Cause("error", said, ended.rank, evidence.last_lines(ended.rank))
    return None


def _signalled(evidence: Evidence, rank: int | None, name: str) -> Cause:
    who = "the process" if rank is None else f"rank {rank}"
    lines = evidence.last_lines(rank)
    if name == "SIGKILL" and evidence.oom_kills:
        return Cause(
            "out-of-memory", f"{who} was killed: its memory limit was reached", rank, lines
        )
    return Cause("signal", f"{who} {name}", rank, lines)


def _untold(evidence: Evidence) -> Cause:
    """Nobody said anything: what looks like an exception at the end of the log, or the code."""
    rank = evidence.exits[0].rank if evidence.exits else None
    lines = evidence.last_lines(rank)
    message = _exception_line(lines) or f"it ended with exit code {evidence.code}"
    return Cause(_code(message), message, rank, lines)


def read_failures(folder: Path) -> list[dict[str, Any]]:
    """What the ranks that failed said, the first one first."""
    records = [read_record(path) for path in folder.glob(_FAILURES)]
    return sorted(filter(None, records), key=lambda record: float(record["time"]))


def forget_failures(folder: Path) -> None:
    """Take away what ranks of an earlier attempt said."""
    for path in folder.glob(_FAILURES):
        path.unlink()


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
