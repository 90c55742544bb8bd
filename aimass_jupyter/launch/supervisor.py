"""The supervisor: starts one thing, logs it, stops all of it, and writes how it ended.

It never restarts anything and never talks to a server; its folder is its whole world.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_jupyter.contract.errors import AimassError, Failed
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.host import FileLock, forget_beats, identify, write_notice, write_record
from aimass_jupyter.launch.causes import Cause, Evidence, find_cause, forget_failures, oom_kills
from aimass_jupyter.launch.children import adopt_orphans, end_all, reap
from aimass_jupyter.launch.hangs import HangDoctor
from aimass_jupyter.launch.launchers import signal_name
from aimass_jupyter.launch.leaving import Leaving
from aimass_jupyter.launch.logs import ProcessLogs
from aimass_jupyter.launch.memory import MemoryWatch
from aimass_jupyter.launch.order import JobOrder, Order, read_order
from aimass_jupyter.launch.plan import Plan, make_plan

if TYPE_CHECKING:
    from aimass_jupyter.launch.ahead import GangAhead

EXIT_SUPERVISED = 0
EXIT_ALREADY = 3

_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_POLL_SECONDS = 0.5
_LEFTOVER_GRACE_SECONDS = 2.0
_RESERVE_BYTES = 1 << 16


def supervise(
    folder: Path, tell: Callable[[], None] | None = None, ahead: GangAhead | None = None
) -> int:
    """Supervise what the folder orders, unless that is done or being done.

    Parameters
    ----------
    tell
        Given by a process that forked this one and has imported what ranks need: called once, when
        the folder is taken or it is clear that it cannot be. A gang is then forked, too.
    ahead
        A gang that this process has forked already; a job that it does not suit gets another.

    Returns
    -------
    int
        0 when it was supervised to its end, whatever that end is; 3 when another supervisor has
        or had it.
    """
    signals = _signal_pipe()
    lock = FileLock(folder / "lock")
    try:
        if not lock.acquire() or _was_supervised(folder):
            if tell:
                tell()
            return EXIT_ALREADY
        _detach(folder)
        Supervisor(folder, signals, tell, ahead).run()
    finally:
        lock.release()
        if ahead:
            ahead.dismiss()
    return EXIT_SUPERVISED


def _was_supervised(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("started.json", "exit.json"))


class Supervisor:
    """One supervision, from the start of the process to its last record."""

    def __init__(
        self,
        folder: Path,
        signals: int,
        tell: Callable[[], None] | None = None,
        ahead: GangAhead | None = None,
    ) -> None:
        self._folder = folder
        self._signals = signals
        self._tell = tell
        self._ahead = ahead
        self._stopping = False
        self._leaving = Leaving(folder)
        self._memory: MemoryWatch | None = None
        self._started_at = utc_now()

    def run(self) -> None:
        """Start, watch, end what is left, record."""
        try:
            order = read_order(self._folder)
            plan = make_plan(order)
        except AimassError as error:
            self._record(None, Cause("not-started", str(error)))
            if self._tell:
                self._tell()
            return
        self._announce(order, self._start_of(plan))
        self._record(*self._supervise(order, plan))

    def _start_of(self, plan: Plan) -> str:
        """``warm`` when the ranks are forks of a process that had imported all before the order."""
        return "warm" if self._tell and plan.gang else "cold"

    def _announce(self, order: Order, start: str) -> None:
        """Say who supervises, and set aside the bytes that the last record needs on a full disk."""
        identity = identify(os.getpid())
        assert identity is not None  # it is this very process
        record = {
            "identity": identity.as_record(),
            "marker": str(order.marker),
            "started_at": _text(self._started_at),
            "start": start,
        }
        write_record(self._folder / "started.json", record)
        (self._folder / "reserve").write_bytes(bytes(_RESERVE_BYTES))
        if self._tell:
            self._tell()

    def _supervise(self, order: Order, plan: Plan) -> tuple[int | None, Cause]:
        """Run the plan to its end; nothing of it lives when this returns, or raises."""
        forget_failures(self._folder)
        forget_beats(self._folder)
        kills_before = oom_kills()
        logs = ProcessLogs(plan.log, plan.ranks, order.log_bytes, self._note)
        ended: dict[int, int] = {}
        child = 0
        self._leaving = Leaving(self._folder, order.most_seconds)
        try:
            if not self._asked_to_stop(0):
                child = self._begin(order, plan, logs)
                logs.start()
                self._memory = self._memory_watch(order, logs)
                ended = self._watch(child, self._doctor(order, logs))
        except Failed as error:
            return None, Cause("not-started", str(error))
        finally:
            grace = order.grace_seconds if self._stopping else _LEFTOVER_GRACE_SECONDS
            ended |= end_all(order.marker, grace)
            logs.close()
        code = ended.get(child)
        return code, self._judge(plan, code, logs, oom_kills() - kills_before)

    def _note(self, text: str) -> None:
        """Have a person know of it; a full disk takes no notice, and the job goes on."""
        with contextlib.suppress(OSError):
            write_notice(self._folder, f"note-{zlib.crc32(text.encode()):08x}", text)

    def _begin(self, order: Order, plan: Plan, logs: ProcessLogs) -> int:
        """Start what the plan says, or fork it; its pid. No thread runs here yet."""
        if self._start_of(plan) == "cold" or not plan.gang:
            return _start(plan, logs)
        if self._ahead and self._ahead.take(order, plan, logs.descriptor):
            return self._ahead.pid
        from aimass_jupyter.launch.gang import fork_gang  # imported already, as all that it needs

        return fork_gang(plan.gang, order, plan.environment, logs.descriptor)

    def _doctor(self, order: Order, logs: ProcessLogs) -> HangDoctor | None:
        """Whoever looks after the ranks of a job; what takes no steps has none."""
        if not (isinstance(order.work, JobOrder) and order.work.trains):
            return None
        return HangDoctor(self._folder, order.work.stall_seconds, logs.say)

    def _memory_watch(self, order: Order, logs: ProcessLogs) -> MemoryWatch | None:
        """Whoever looks at what the ranks of a job take; those on other nodes are not seen here."""
        if not isinstance(order.work, JobOrder) or order.work.where == "nodes":
            return None
        return MemoryWatch(self._folder, order.work.memory, logs.say)

    def _watch(self, child: int, doctor: HangDoctor | None) -> dict[int, int]:
        """Wait until the child ends or a stop is asked for; what ended by then."""
        ended: dict[int, int] = {}
        while child not in ended and not self._asked_to_stop(_POLL_SECONDS):
            ended |= reap()
            if doctor:
                doctor.look()
            if self._memory:
                self._memory.look(child)
        return ended

    def _asked_to_stop(self, timeout: float) -> bool:
        """Wait for a signal so long; whether a stop was asked for, by signal or by file."""
        if select.select([self._signals], [], [], timeout)[0]:
            self._stopping |= bool(_STOP_SIGNALS & set(os.read(self._signals, 512)))
        self._stopping |= self._leaving.due()
        return self._stopping

    def _judge(self, plan: Plan, code: int | None, logs: ProcessLogs, oom_kills: int) -> Cause:
        complete = plan.launcher is not None and code == 0
        exits = (
            plan.launcher.exits(self._folder, logs.main.tail, code)
            if plan.launcher and code
            else []
        )
        return find_cause(
            Evidence(
                folder=self._folder,
                code=code,
                stopped=self._leaving.cause() if self._stopping and not complete else None,
                oom_kills=oom_kills,
                exits=exits,
                last_lines=logs.of,
            )
        )

    def _record(self, code: int | None, cause: Cause) -> None:
        """Write how it ended, in the space that was set aside for it."""
        (self._folder / "reserve").unlink(missing_ok=True)
        record = {
            "code": code if code is None or code >= 0 else None,
            "signal": signal_name(code),
            "cause": cause.as_record(),
            "started_at": _text(self._started_at),
            "ended_at": _text(utc_now()),
            "peak_memory_bytes": self._memory.peak_bytes if self._memory else 0,
        }
        write_record(self._folder / "exit.json", record)


def _start(plan: Plan, logs: ProcessLogs) -> int:
    """Start the plan's process with its output on the main log; its pid."""
    try:
        process = subprocess.Popen(
            plan.argv, cwd=plan.cwd, env=dict(plan.environment),
            stdin=subprocess.DEVNULL, stdout=logs.descriptor, stderr=logs.descriptor,
        )  # fmt: skip
    except OSError as error:
        raise Failed(f"cannot start '{plan.argv[0]}' in {plan.cwd}: {error.strerror}") from error
    process.returncode = 0  # reap() collects it, with every orphan; Popen must not
    return process.pid


def _signal_pipe() -> int:
    """Let signals be read, as bytes, from the descriptor that is returned."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def _detach(folder: Path) -> None:
    """Leave the session and the files of whatever started us, and adopt what we start."""
    if os.getpid() not in (os.getpgid(0), os.getsid(0)):
        os.setsid()
    log = folder / "log"
    log.mkdir(exist_ok=True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    own = os.open(log / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (own, 1), (own, 2)):
        os.dup2(descriptor, target)
    for descriptor in (nothing, own):
        os.close(descriptor)
    adopt_orphans()


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
