"""One detached program in one folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from aimass_jupyter.contract.errors import Expired
from aimass_jupyter.host import (
    ProcessIdentity,
    is_alive,
    is_locked,
    read_record,
    send_signal,
    stop_marked,
    write_first,
    write_record,
)

ProgramState = Literal["absent", "starting", "alive", "ended", "lost"]

START_SECONDS = 20.0
_POLL_SECONDS = 0.02


class Program:
    """What runs, ran or will run in a folder.

    Parameters
    ----------
    folder
        The program's own folder.
    marker
        ``NAME=value`` that every process of the program carries in its environment.
    """

    def __init__(self, folder: Path, marker: str) -> None:
        self.folder = folder
        self.marker = marker

    def start(self, launch: dict[str, Any], python: str = sys.executable) -> None:
        """Order and start the supervisor; starting twice is harmless, the lock decides."""
        self.order(launch)
        self.start_ordered(python)

    def order(self, launch: dict[str, Any], *, durable: bool = True) -> None:
        """Write what the supervisor is to run."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "log").mkdir(exist_ok=True, mode=0o700)
        order = launch | {"marker": self.marker}
        write_record(self.folder / "launch.json", order, durable=durable)

    def start_ordered(self, python: str = sys.executable) -> None:
        """Start the supervisor of a folder that has its order."""
        with (self.folder / "log" / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                [python, "-m", "aimass_jupyter.launch", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=detached_environment(),
                start_new_session=True,
            )
        _reap_in_background(process)

    def state(self, started_by: float | None = None) -> ProgramState:
        """What the folder says.

        Parameters
        ----------
        started_by
            Monotonic time by which the supervisor must have taken its lock; before it, a folder
            without a lock is still ``starting``.
        """
        if is_locked(self.folder / "lock"):
            return "alive" if self.identity else "starting"
        if self.exit_record is not None:
            return "ended"
        if self.identity is not None:
            return self._alive_after_all() or "lost"
        if started_by is not None and time.monotonic() < started_by:
            return "starting"
        return "absent"

    def _alive_after_all(self) -> ProgramState | None:
        """It may have locked and said who it is since the lock was looked at."""
        if is_locked(self.folder / "lock"):
            return "alive"
        return "ended" if self.exit_record is not None else None

    @property
    def identity(self) -> ProcessIdentity | None:
        """The supervisor's identity, once it has said it."""
        record = read_record(self.folder / "started.json")
        return ProcessIdentity.from_record(record["identity"]) if record else None

    @property
    def exit_record(self) -> dict[str, Any] | None:
        """How it ended, once it has."""
        return read_record(self.folder / "exit.json")

    def request_stop(self, by: str) -> None:
        """Ask the supervisor to end everything; it answers with ``exit.json``.

        One that has not started yet finds the request and starts nothing; one that was paused goes
        on for it.

        Raises
        ------
        OSError
            When it has not started, and the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._write_stop(by)
        except OSError:  # a full disk: the signal says enough, if there is somebody who hears it
            if self.identity is None:
                raise
        if identity := self.identity:
            send_signal(identity, signal.SIGTERM)
            send_signal(identity, signal.SIGCONT)

    def note_stop(self, by: str) -> None:
        """Write down who wants it ended, before anything else is done about it.

        It may be enough: a supervisor that finds the request ends everything. A full disk takes no
        note; :meth:`request_stop` must follow in any case.
        """
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write_stop(by)

    def _write_stop(self, by: str) -> None:
        """Put a person's request in the place of the queue's; the first person's stands."""
        asked = read_record(self.folder / "stop.json")
        if asked is None or asked.get("cause"):
            write_record(self.folder / "stop.json", {"by": by})

    def ask_to_leave(self, by: str, cause: str, message: str) -> bool:
        """Ask the supervisor to end everything once its state is kept, for a cause of ours.

        Returns
        -------
        bool
            False when somebody had asked for its end already: that stands.
        """
        wanted = {"by": by, "cause": cause, "message": message, "keep": True}
        return write_first(self.folder / "stop.json", wanted)

    def sweep(self, grace_seconds: float = 0.0) -> int:
        """End what a dead supervisor left behind."""
        name, _, value = self.marker.partition("=")
        return stop_marked(name, value, grace_seconds)

    async def stop(self, by: str, timeout_seconds: float = 15.0) -> None:
        """Stop it and wait until it is gone; sweep when its supervisor no longer can."""
        self.request_stop(by)
        deadline = time.monotonic() + timeout_seconds
        while self.state() in ("alive", "starting"):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_POLL_SECONDS)
        if (identity := self.identity) and is_alive(identity):
            send_signal(identity, signal.SIGKILL)
        await asyncio.to_thread(self.sweep)

    async def wait_started(self, timeout_seconds: float = START_SECONDS) -> None:
        """Wait until the supervisor holds its lock or has already ended.

        Raises
        ------
        Expired
            When it did neither in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while self.state() in ("absent", "starting"):
            if time.monotonic() > deadline:
                raise Expired(
                    f"the program in {self.folder} did not start within {timeout_seconds:.0f} s",
                    f"see {self.folder / 'log' / 'supervisor.log'}",
                )
            await asyncio.sleep(_POLL_SECONDS)


def detached_environment() -> dict[str, str]:
    """The environment of detached programs: ours, without what is secret or Jupyter's."""
    private = (
        "AIMASS_TOKEN",
        "JUPYTER_TOKEN",
        "JPY_API_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "JPY_PARENT_PID",
    )
    return {name: value for name, value in os.environ.items() if name not in private}


def _reap_in_background(process: subprocess.Popen[bytes]) -> None:
    """Collect the supervisor's status while we live, so that it never stays a zombie."""
    import threading

    threading.Thread(target=process.wait, name="aimass-reap", daemon=True).start()
