"""Hangs: notices that a job's ranks stand still, finds whom they wait for, and ends the wait.

It reads heartbeats and ``/proc``, and asks each rank for its stack by a signal. A rank that was
stopped (SIGSTOP) cannot answer; that it is stopped is the answer then. It ends ranks by SIGKILL,
which reaches stopped ones too, and leaves the verdict as a failure of the rank that was missing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.host import (
    QUIET,
    STACK_SIGNAL,
    Beat,
    identify,
    read_beats,
    read_record,
    remove_notice,
    send_signal,
    stack_path,
    write_notice,
    write_record,
)
from aimass_jupyter.launch.activity import Activity
from aimass_jupyter.launch.logs import TAIL_LINES
from aimass_jupyter.launch.stacks import (
    collective_in,
    frames_of,
    place_in,
    take_stack,
    waits_in_engine,
)

HEARTBEAT_SECONDS = 1.0
_FIRST_STEP_SECONDS = 60.0  # data and libraries are read before it
_GRACE_SECONDS = 10.0
_ACTIVITY_SECONDS = 30.0
_NOTICE = "stall"


@dataclass(frozen=True)
class Look:
    """A rank as it was just found."""

    beat: Beat
    stopped: bool

    @property
    def missing_from(self) -> tuple[int, bool]:
        """Sorts ranks by how far they came: collectives entered, and whether it waits in one."""
        return self.beat.collectives, bool(self.beat.collective)


class HangDoctor:
    """Looks after the ranks of the job in a folder.

    Parameters
    ----------
    stall_seconds
        No step for so long is a hang.
    say
        Takes text for the job's log.
    """

    def __init__(self, folder: Path, stall_seconds: float, say: Callable[[str], object]) -> None:
        self._folder = folder
        self._stall_seconds = stall_seconds
        self._say = say
        self._activity = Activity(min(_ACTIVITY_SECONDS, max(1.0, stall_seconds / 4)))
        self._missing: set[int] = set()
        self._stacks: dict[int, str] = {}
        self._next_look = 0.0
        self._noticed_at: float | None = None
        self._text = ""
        self._diagnosed_at: float | None = None

    def look(self) -> None:
        """Look once a heartbeat; call it as often as you like."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + HEARTBEAT_SECONDS
        looks = [look for beat in read_beats(self._folder) if (look := _look_at(beat))]
        if looks:
            self._judge(looks, now)

    def _judge(self, looks: Sequence[Look], now: float) -> None:
        silent = now - max(self._last_sign(look, now) for look in looks)
        stopped = [look for look in looks if look.stopped]
        if silent >= self._patience(looks):
            self._treat(looks, silent, now)
        elif stopped and silent >= HEARTBEAT_SECONDS:
            self._notice(_describe_stopped(stopped), now - silent)
        elif self._noticed_at is not None and not stopped:
            self._recovered(now)

    def _last_sign(self, look: Look, now: float) -> float:
        """When a rank last did what it has to: a step; anything at all when it need not step."""
        if look.beat.steps == QUIET:
            return self._activity.last(look.beat.pid, now, lambda: self._polls(look))
        return look.beat.beaten_at

    def _polls(self, look: Look) -> bool:
        """Whether a rank that computes only asks an engine again and again: Horovod's do."""
        return not look.stopped and waits_in_engine(self._stack_of(look))

    def _patience(self, looks: Sequence[Look]) -> float:
        begun = any(look.beat.steps != -1 for look in looks)
        return self._stall_seconds if begun else max(self._stall_seconds, _FIRST_STEP_SECONDS)

    def _treat(self, looks: Sequence[Look], silent: float, now: float) -> None:
        """Find the cause once; after a time of grace, end the rank that is missing."""
        if self._diagnosed_at is None:
            self._diagnosed_at = now
            self._notice(self._diagnose(looks, silent), now - silent)
        elif now - self._diagnosed_at >= min(_GRACE_SECONDS, self._stall_seconds / 2):
            self._end(looks)
            self._diagnosed_at = None

    def _diagnose(self, looks: Sequence[Look], silent: float) -> str:
        stacks = {look.beat.rank: self._stack_of(look) for look in looks}
        self._stacks = stacks
        self._say(_show(stacks, silent))
        looks = seen_inside(looks, stacks)
        missing = find_missing(looks)
        self._missing = {look.beat.rank for look in missing}
        return describe(looks, missing, {rank: place_in(text) for rank, text in stacks.items()})

    def _stack_of(self, look: Look) -> str:
        if look.stopped:
            return "it is stopped (SIGSTOP or a debugger) and cannot answer"
        stack = take_stack(look.beat.pid, stack_path(self._folder, look.beat.rank))
        return stack or f"it does not answer {STACK_SIGNAL.name}: {_waits_in(look.beat.pid)}"

    def _notice(self, text: str, since: float) -> None:
        if self._noticed_at is None:
            self._noticed_at = since
        if text != self._text:
            self._text = text
            self._say(text)
            with contextlib.suppress(OSError):
                write_notice(self._folder, _NOTICE, f"stalled: {text}")

    def _recovered(self, now: float) -> None:
        """It goes on: what was said of it is the past now."""
        stood = now - (self._noticed_at or now)
        self._say(f"it goes on after {stood:.0f} s")
        with contextlib.suppress(OSError):
            remove_notice(self._folder, _NOTICE)
            name = f"stalled-{time.time():.0f}"
            write_notice(self._folder, name, f"stood still for {stood:.0f} s: {self._text}")
        self._noticed_at, self._text, self._diagnosed_at = None, "", None

    def _end(self, looks: Sequence[Look]) -> None:
        """Kill the missing rank; the others notice, or are found to hang with it the next time."""
        missing = [look for look in looks if look.beat.rank in self._missing] or find_missing(looks)
        self._record(missing[0].beat.rank)
        for look in missing:
            if identity := identify(look.beat.pid):
                send_signal(identity, signal.SIGKILL)

    def _record(self, rank: int) -> None:
        path = self._folder / f"failure-rank-{rank}.json"
        record = {
            "rank": rank, "type": "Stalled", "cause": "stalled", "message": self._text,
            "foreseen": False, "disconnected": False, "host": socket.gethostname(),
            "time": time.time(), "last_lines": frames_of(self._stacks.get(rank, ""))[-TAIL_LINES:],
        }  # fmt: skip
        with contextlib.suppress(OSError):
            if read_record(path) is None:
                write_record(path, record)


def seen_inside(looks: Sequence[Look], stacks: dict[int, str]) -> Sequence[Look]:
    """The ranks with the collectives that their stacks show, when none says that it is in one.

    A script calls the engine's own functions, and those tell nobody.
    """
    if any(look.beat.collective for look in looks):
        return looks
    found = {rank: collective_in(text) for rank, text in stacks.items()}
    return [
        dataclasses.replace(look, beat=dataclasses.replace(look.beat, collective=inside))
        for look in looks
        for inside in [found[look.beat.rank]]
    ]


def find_missing(looks: Sequence[Look]) -> list[Look]:
    """The ranks that the others wait for: stopped ones, else those that came least far."""
    if stopped := [look for look in looks if look.stopped]:
        return stopped
    furthest = max(look.missing_from for look in looks)
    behind = [look for look in looks if look.missing_from < furthest]
    return behind if behind and furthest[1] else list(looks)


def describe(looks: Sequence[Look], missing: Sequence[Look], places: dict[int, str]) -> str:
    """Say in one line who waits for whom, in what, and where that one is."""
    waiting = [look.beat for look in looks if look not in missing and look.beat.collective]
    steps = max(look.beat.steps for look in looks)
    step = f"step {max(1, steps + 1):,}"
    who = " and ".join(_name(look) for look in missing[:4])
    where = "; ".join(_where(look, places) for look in missing[:4])
    if waiting:
        which = waiting[0].collective if steps == QUIET else f"{waiting[0].collective} of {step}"
        return f"{which} waits for {who}; {where}"
    return f"{'nothing is done' if steps == QUIET else f'{step} does not end'}; {where}"


def _describe_stopped(stopped: Sequence[Look]) -> str:
    return "; ".join(f"{_name(look)} is stopped (SIGSTOP or a debugger)" for look in stopped)


def _name(look: Look) -> str:
    return f"rank {look.beat.rank} on {socket.gethostname()}"


def _where(look: Look, places: dict[int, str]) -> str:
    if look.stopped:
        return f"rank {look.beat.rank} is stopped (SIGSTOP or a debugger)"
    inside = f" in {look.beat.collective}" if look.beat.collective else ""
    place = places.get(look.beat.rank)
    return f"rank {look.beat.rank} is{inside} at {place or 'an unknown place'}"


def _show(stacks: dict[int, str], silent: float) -> str:
    parts = [f"no step ended for {silent:.0f} s, or nothing was done; the stack of every rank:"]
    parts += [f"--- rank {rank}\n{text}" for rank, text in sorted(stacks.items())]
    return "\n".join(parts)


def _look_at(beat: Beat) -> Look | None:
    """None when it has ended."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{beat.pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        if state not in b"ZX":
            return Look(beat, state in b"Tt")
    return None


def _waits_in(pid: int) -> str:
    """What the kernel says of a process that does not answer."""
    found = []
    for name in ("wchan", "stat"):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/{name}").read_text(errors="replace")
            found.append(f"{name} {text.rpartition(')')[2].strip()[:60] or '-'}")
    return ", ".join(found) or "it is gone"
