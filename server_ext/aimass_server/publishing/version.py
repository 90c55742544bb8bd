"""One version of a service: its frozen notebook, and the Voila process that serves it."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aimass_jupyter.contract.errors import Expired, Failed
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.host import (
    ProcessIdentity,
    read_record,
    send_signal,
    write_bytes,
    write_record,
)  # fmt: skip
from aimass_server.programs import Program

START_SECONDS = 60.0
TAKE_OVER_SECONDS = 20.0
_POLL_SECONDS = 0.05
HANG_UP = signal.SIGHUP
_LOG = "log/process.log"


@dataclass(frozen=True)
class Secrets:
    """What lets viewers in; the same for all versions of a service."""

    token: str
    cookie_secret: str

    @classmethod
    def of(cls, service: Path) -> Secrets:
        """Those of a service; made when there are none yet."""
        record = read_record(service / "secrets.json")
        if record is None:
            record = {name: secrets.token_urlsafe(32) for name in ("token", "cookie_secret")}
            service.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_record(service / "secrets.json", record)
        return cls(**record)


@dataclass(frozen=True)
class Standing:
    """How a version is: whether it runs, and the seconds since its kernels were given a token."""

    alive: bool
    kernel_token_age: float


class Version:
    """A version in its folder, ``<service>/versions/<number>``.

    Each start has a folder of its own below it, ``run-<ulid>``; the newest one counts.
    """

    def __init__(self, service: Path, number: int) -> None:
        self._service = service
        self.folder = service / "versions" / str(number)
        self._marker = f"AIMASS_SERVICE_VERSION={service.name}@{number}"

    def siblings(self) -> list[Version]:
        """The other versions that have a folder."""
        folders = self.folder.parent.glob("*")  # whatever else lies here is not ours to end
        numbers = [one.name for one in folders if one.is_dir() and one.name.isdecimal()]
        return [Version(self._service, int(n)) for n in numbers if n != self.folder.name]

    def log(self) -> Path | None:
        """The log of the newest start, or what is left of the one before; None without either."""
        program = self.program
        kept = self.last_log / Path(_LOG).name
        found = program.folder / _LOG if program else kept
        return found if found.exists() else (kept if kept.exists() else None)

    @property
    def last_log(self) -> Path:
        """The logs of the last process of this service that ended."""
        return self._service / "last-log"

    def standing(self) -> Standing | None:
        """How it is now; None when there is nothing of it on disk."""
        try:
            given = (self.folder / "kernel.token").stat().st_mtime
        except FileNotFoundError:
            return None
        return Standing(self.alive, time.time() - given)

    @property
    def program(self) -> Program | None:
        """The newest start."""
        runs = sorted(self.folder.glob("run-*"))
        return Program(runs[-1], self._marker) if runs else None

    @property
    def alive(self) -> bool:
        program = self.program
        return program is not None and program.state() == "alive"

    @property
    def port(self) -> int:
        """Where it listens; 0 when it does not."""
        program = self.program
        record = read_record(program.folder / "listening.json") if program else None
        return int(record["port"]) if record else 0

    @property
    def secrets(self) -> Secrets:
        return Secrets.of(self._service)

    @property
    def url(self) -> str:
        """Where viewers open it; with what lets them in."""
        return f"http://127.0.0.1:{self.port}/?token={self.secrets.token}"

    @property
    def cell_error(self) -> dict[str, Any] | None:
        """The newest error of a cell: its index, the error's name and value."""
        program = self.program
        return read_record(program.folder / "cell-error.json") if program else None

    def freeze(self, notebook: bytes, kernel_token: str) -> None:
        """Write what is served, and the token by which its kernels ask the control plane."""
        self.folder.mkdir(parents=True, mode=0o700)
        self.renew_kernel_token(kernel_token)
        write_bytes(self.folder / "notebook.ipynb", notebook)

    def renew_kernel_token(self, token: str) -> None:
        """Give its kernels another token; they read it each time they connect."""
        write_bytes(self.folder / "kernel.token", token.encode())

    async def start(self, port: int, environment: dict[str, str]) -> None:
        """Start its process and wait until it listens: on this port, or another if that is taken.

        Raises
        ------
        Failed
            When it ends instead; tells its last words.
        Expired
            When it does not listen in time.
        """
        await asyncio.to_thread(self.clear)
        program = Program(self.folder / f"run-{ulid()}", self._marker)
        await asyncio.to_thread(self._launch, program, port, environment)
        try:
            await asyncio.wait_for(self._listening(program), START_SECONDS)
        except (Expired, TimeoutError):
            message = f"Voila did not listen within {START_SECONDS:.0f} s"
            raise Expired(message, f"try again; its logs are in {self.last_log}") from None

    async def _listening(self, program: Program) -> None:
        await program.wait_started()
        while not await asyncio.to_thread(lambda: self.port):
            if program.state() != "alive":
                message = f"Voila ended as it started: {self.last_words()}"
                raise Failed(message, f"its logs are in {self.last_log}")
            await asyncio.sleep(_POLL_SECONDS)

    async def take_over(self, port: int) -> None:
        """Have it listen where the version before it still listens too.

        Raises
        ------
        Expired
            When it does not do so in time.
        """
        program = self.program
        assert program is not None  # it was started
        record = read_record(program.folder / "listening.json")
        assert record is not None  # it listens
        write_record(program.folder / "take-over.json", {"port": port})
        send_signal(ProcessIdentity.from_record(record["identity"]), HANG_UP)
        deadline = time.monotonic() + TAKE_OVER_SECONDS
        while self.port != port:
            if time.monotonic() > deadline:
                raise Expired(f"the new version did not take over port {port}", "publish it again")
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, by: str) -> None:
        """Stop its process, with every kernel of its viewers."""
        if (program := self.program) is not None:
            await program.stop(by)
            await asyncio.to_thread(self.clear)

    async def remove(self, by: str) -> None:
        """Stop it and delete its folder."""
        await self.stop(by)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    def clear(self) -> None:
        """End what a start before left, and forget all of it but its logs."""
        for run in self.folder.glob("run-*"):
            Program(run, self._marker).sweep()
            if (run / "log").exists():
                shutil.rmtree(self.last_log, ignore_errors=True)
                (run / "log").replace(self.last_log)
            shutil.rmtree(run)

    def last_words(self) -> str:
        """Why it ended: the cause that its supervisor found, or the last line of its log."""
        program = self.program
        if program is None:
            return "it left nothing"
        record = program.exit_record
        if record is not None:
            return str(record["cause"]["message"])
        return "its supervisor was killed"

    def _launch(self, program: Program, port: int, environment: dict[str, str]) -> None:
        secret = self.secrets
        program.folder.mkdir(mode=0o700)
        write_record(
            program.folder / "settings.json",
            {
                "notebook": str(self.folder / "notebook.ipynb"),
                "port": port,
                "token": secret.token,
                "cookie_secret": secret.cookie_secret,
            },
        )
        module = "aimass_server.publishing.dashboard"
        program.start(
            {
                "kind": "command",
                "argv": [sys.executable, "-m", module, str(program.folder)],
                "environment": environment
                | {"AIMASS_TOKEN_FILE": str(self.folder / "kernel.token")},
                "log": _LOG,
                "grace_seconds": 5,
            }
        )


def port_of(url: str) -> int:
    """The port in the address of a service; 0 when it has no address yet."""
    return urlsplit(url).port or 0
