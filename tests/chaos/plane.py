"""The control plane of a storm: a process that is killed at any moment, and comes back.

It knows the process and the data folder, and asks through the API alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, owner
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.errors import AimassError, Unavailable
from tests.chaos.hardships import MemoryGroup

SLOTS = 16
PATIENCE_SECONDS = 120.0


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until something is so, and return it.

    Raises
    ------
    TimeoutError
        When it never is.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never so in {seconds:.0f} s: {what}")
        time.sleep(0.01)
    return found


class Plane:
    """A control plane over a data folder of its own."""

    def __init__(self, folder: Path, memory: MemoryGroup) -> None:
        self.folder = folder
        self._memory = memory
        self.kills = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder.with_name(f"{folder.name}.log")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def spawn(self) -> None:
        """Start it; it answers some time later."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aimass_server", f"--AimassApp.slots={SLOTS}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=os.environ | {"AIMASS_DATA": str(self.folder)}, start_new_session=True,
            )  # fmt: skip
        self._memory.take(self._process.pid)

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        until(self._answers, f"the control plane answers: {self._log}")

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(
                f"the control plane ended by itself: {self._log.read_text()[-2000:]}"
            )
        return self.address() is not None

    def kill(self) -> None:
        """As a crash: SIGKILL, no goodbye."""
        assert self._process is not None
        if self._process.poll() is None:
            self.kills += 1
        self._process.kill()
        self._process.wait()

    def address(self) -> Address | None:
        """Where it answers now, if it does."""
        found = owner(self.folder)
        try:
            return found and Address(found.url, found.token_file.read_text().strip())
        except FileNotFoundError:  # it is just going
            return None

    def client(self) -> Client:
        """A client that finds it again after each start."""
        return Client(self.address() or Address("http://127.0.0.1:9", ""), find=self.address)

    def close(self) -> None:
        """End it, and everything that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        stop_programs(self.folder)


def patiently(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer: the control plane may be down, or its disk full."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except AimassError as error:
            if not may_pass(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def may_pass(error: AimassError) -> bool:
    """Whether what was asked for may go well a little later."""
    return isinstance(error, Unavailable) or error.status in (401, 429, 503, 507)
