"""The warm launcher: a process that has imported all that jobs need, and forks their supervisors.

``python -m aimass_jupyter.launch.warm DESCRIPTOR`` talks with whoever started it over the socket
(SOCK_SEQPACKET) of that number, a JSON object a message. It is asked ``{"folder": …}``, told
``{"ahead": {"engine": …, "np": …}}`` when the next job may be like that one, and says

``{"ready": true, …}``         once, when it has imported all
``{"started": folder}``        a supervisor has taken the folder, or found it taken
``{"refused": folder, "why"}`` this job must start cold
``{"leaving": why}``           it is of no use any more

It runs nothing itself: it has one thread, no CUDA, no collective, and what a job does happens in a
fork. It ends when the socket does; the jobs go on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.launch.ahead import Ahead, GangAhead, Shape
from aimass_jupyter.launch.ahead_trees import AheadTrees
from aimass_jupyter.launch.environment import job_environment
from aimass_jupyter.launch.forking import Newborn, bind, fork, name_process
from aimass_jupyter.launch.freshness import Freshness
from aimass_jupyter.launch.marking import ROOM
from aimass_jupyter.launch.order import read_job
from aimass_jupyter.launch.preload import preload_all, unfit_to_fork
from aimass_jupyter.launch.supervisor import supervise

MESSAGE_BYTES = 1 << 16
MOST_JOBS = 256
MOST_SECONDS = 12 * 3600.0


def main(descriptor: int) -> int:
    """Import, then fork a supervisor for every folder that is named, until the socket ends."""
    if os.environ.get(ROOM.name) != ROOM.value:
        _begin_again(descriptor)
    bind(os.getppid())  # whoever started it may die while it imports, and does not hear the socket
    name_process("aimass-warm")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the supervisors
    environment = dict(os.environ)
    preload_all()
    WarmLauncher(descriptor, environment).run()
    return 0


def _begin_again(descriptor: int) -> None:
    """Start with the environment of a job, and with room for the marker of one."""
    os.set_inheritable(descriptor, True)
    argv = [sys.executable, "-m", "aimass_jupyter.launch.warm", str(descriptor)]
    os.execve(sys.executable, argv, job_environment(ranks=1) | {ROOM.name: ROOM.value})


class WarmLauncher:
    """Answers what comes over the socket."""

    def __init__(self, descriptor: int, environment: dict[str, str]) -> None:
        self._socket = descriptor
        self._environment = environment
        self._freshness = Freshness.now()
        self._forked = 0
        self._ahead = AheadTrees(self._begin_ahead)
        self._leave_at = time.monotonic() + MOST_SECONDS

    def run(self) -> None:
        """Serve until the socket ends, or there is a reason to leave."""
        leaving = unfit_to_fork()
        if not leaving:
            say(self._socket, {"ready": True})
        while not leaving:
            if not select.select([self._socket], [], [], self._ahead.seconds_left)[0]:
                self._ahead.look(likely=not self._freshness.lost())
                continue
            message = os.read(self._socket, MESSAGE_BYTES)
            if not message:
                return
            leaving = self._do(json.loads(message)) or self._spent()
        say(self._socket, {"leaving": leaving})

    def _do(self, message: dict[str, Any]) -> str:
        """Do what is asked; returns why this process must not go on, or nothing."""
        changed = self._freshness.lost()
        if "folder" in message:
            folder = Path(message["folder"])
            if changed:
                self._refuse(folder, changed)
            else:
                self._serve(folder)
        elif not changed:
            self._ahead.prepare(Shape(**message["ahead"]))
        return changed

    def _begin_ahead(self, shape: Shape) -> Ahead:
        newborn = self._newborn("aimass-ahead", Path.cwd())
        return Ahead(shape, newborn, partial(_supervise_ahead, self._socket))

    def _serve(self, folder: Path) -> None:
        """Fork a supervisor for a folder, or let the one take it that waits for such a job."""
        try:
            work = read_job(folder)
        except (AimassError, OSError, ValueError, KeyError) as error:
            self._refuse(folder, str(error))
            return
        if work.python != sys.executable:
            self._refuse(folder, f"it runs in another environment: {work.python}")
            return
        self._forked += 1
        if not self._ahead.give(work, folder):
            fork(self._newborn("aimass-super", folder), partial(_supervise, folder, self._socket))

    def _newborn(self, name: str, cwd: Path) -> Newborn:
        return Newborn(name, self._environment, cwd, keep={self._socket})

    def _spent(self) -> str:
        """Why it is time for a new one; empty when it is not."""
        if self._forked >= MOST_JOBS:
            return f"it started {self._forked} jobs"
        return "it is old" if time.monotonic() > self._leave_at else ""

    def _refuse(self, folder: Path, why: str) -> None:
        say(self._socket, {"refused": str(folder), "why": why})


def _supervise_ahead(descriptor: int, folder: Path, gang: GangAhead | None) -> int:
    return _supervise(folder, descriptor, gang)


def _supervise(folder: Path, descriptor: int, gang: GangAhead | None = None) -> int:
    """Be the supervisor of a folder; whoever waits is told once, then never again."""

    def tell() -> None:
        say(descriptor, {"started": str(folder)})
        os.close(descriptor)

    return supervise(folder, tell, gang)


def say(descriptor: int, message: dict[str, Any]) -> None:
    """Send a message; one that nobody reads any more is lost."""
    try:
        os.write(descriptor, json.dumps(message).encode())
    except (BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
