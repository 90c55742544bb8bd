"""One deployment: a model version, the folder and socket of its replica, and the program in it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path

from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.host import is_alive
from aimass_server.programs import Program
from aimass_server.serving.gateway.replica import Replica
from aimass_server.store.blobs import storage_errors

READY_SECONDS = 60.0
SUPERVISOR_SECONDS = 20.0
DRAIN_SECONDS = 30.0
PULSE_SECONDS = 10.0
_STOP_SECONDS = DRAIN_SECONDS + 10
_POLL_SECONDS = 0.05
_KEPT_STARTS = 3
_TAIL_LINES = 20
_MISSES = 3


class Starts:
    """The starts of one program, each in a numbered folder of its own, so that its log is kept."""

    def __init__(self, folder: Path, marker: str) -> None:
        self.folder = folder
        self._marker = marker

    @property
    def newest(self) -> Program | None:
        """The program that was started last."""
        numbers = self._numbers()
        return self._program(numbers[-1]) if numbers else None

    async def begin(self, argv: list[str], grace_seconds: float) -> Program:
        """Start it once more; what an earlier start left running is ended first.

        Who is cancelled meanwhile is cancelled once it has started: a thread cannot be, and what
        it starts must be there for whoever stops it next.
        """
        starting = asyncio.create_task(asyncio.to_thread(self._begin, argv, grace_seconds))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            raise

    def _begin(self, argv: list[str], grace_seconds: float) -> Program:
        numbers = self._numbers()
        if numbers:
            see_off(self._program(numbers[-1]))
        program = self._program(numbers[-1] + 1 if numbers else 1)
        program.sweep()
        for number in numbers[: 1 - _KEPT_STARTS]:
            shutil.rmtree(self.folder / str(number))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        program.start({"kind": "command", "argv": argv, "grace_seconds": grace_seconds})
        return program

    def is_running(self) -> bool:
        """Whether the newest start still runs."""
        newest = self.newest
        return newest is not None and _supervised(newest)

    async def stop(self, by: str, timeout_seconds: float) -> None:
        """End whatever of it runs, also what was started a moment ago and has said nothing yet."""
        if newest := self.newest:
            await newest.stop(by, timeout_seconds)
            await asyncio.to_thread(see_off, newest)

    def _program(self, number: int) -> Program:
        return Program(self.folder / str(number), self._marker)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdecimal())


class Deployment:
    """What serves one model version for one endpoint.

    Parameters
    ----------
    folder
        ``<data>/endpoints/<endpoint id>/<deployment>``
    socket
        Where its replica listens, now and after each start.
    bundle
        The model version's file.
    name
        What the model is called in answers: the endpoint's name.
    model
        ``name@version``
    """

    def __init__(self, folder: Path, socket: Path, bundle: Path, name: str, model: str) -> None:
        self.socket = socket
        self._folder = folder
        self._bundle = bundle
        self._name = name
        self._model = model
        self._starts = Starts(folder, f"AIMASS_REPLICA_ID={folder.parent.name}.{folder.name}")

    def is_running(self) -> bool:
        """Whether its replica's supervisor lives, and so the replica does."""
        return self._starts.is_running()

    async def start(self) -> None:
        """Start the replica, unless it runs, and wait until it answers.

        Raises
        ------
        Failed
            When it ends or does not answer in time; with the end of its log. It is stopped then.
        """
        program = self._starts.newest
        if program is None or not self.is_running():
            with storage_errors():
                program = await self._starts.begin(self._argv(), DRAIN_SECONDS)
        replica = Replica(self.socket, self._model)
        try:
            await self._until_ready(program, replica)
        except BaseException:
            await program.stop("a failed start", timeout_seconds=5)
            raise
        finally:
            replica.close()

    async def stop(self, by: str) -> None:
        """End the replica; it finishes what it was asked first."""
        await self._starts.stop(by, _STOP_SECONDS)

    async def kill(self) -> None:
        """End a replica that no longer hears."""
        await self._starts.stop("the control plane: it does not answer", timeout_seconds=1)

    async def remove(self, by: str) -> None:
        """End the replica and leave nothing of it."""
        await self.stop(by)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        self.socket.unlink(missing_ok=True)
        if self._folder.parent.is_dir() and not any(self._folder.parent.iterdir()):
            self._folder.parent.rmdir()

    def _argv(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "aimass_jupyter.inference.replica",
            "--bundle",
            str(self._bundle),
            "--socket",
            str(self.socket),
            "--name",
            self._name,
            "--version",
            self._model.rpartition("@")[2],
        ]

    async def _until_ready(self, program: Program, replica: Replica) -> None:
        began = time.monotonic()
        while not await replica.is_ready():
            waited = time.monotonic() - began
            if has_ended(program):
                raise failed_start(f"the replica of '{self._model}' did not start", program)
            if waited > READY_SECONDS or (waited > SUPERVISOR_SECONDS and not program.identity):
                reason = f"the replica of '{self._model}' did not answer within {waited:.0f} s"
                raise failed_start(reason, program)
            await asyncio.sleep(_POLL_SECONDS)


class Pulse:
    """Whether a replica that runs also answers."""

    def __init__(self, deployment: Deployment) -> None:
        self.replica = Replica(deployment.socket, "")
        self._misses = 0

    async def is_lost(self) -> bool:
        """Ask it; True when it has now been silent several times in a row."""
        answered = await self.replica.is_ready(PULSE_SECONDS)
        self._misses = 0 if answered else self._misses + 1
        if self._misses < _MISSES:
            return False
        self._misses = 0  # it is ended now, and these were not its successor's
        return True


def is_beginning(program: Program) -> bool:
    """Whether its supervisor was started so short a time ago that it may still say nothing."""
    try:
        age = time.time() - (program.folder / "launch.json").stat().st_mtime
    except FileNotFoundError:
        return False
    silent = program.identity is None and program.exit_record is None
    return silent and age < SUPERVISOR_SECONDS


def see_off(program: Program) -> None:
    """Stop a supervisor that was started a moment ago: it finds the order as it begins. Blocks."""
    if is_beginning(program):
        program.request_stop("a newer start")
        while is_beginning(program) or _supervised(program):
            time.sleep(_POLL_SECONDS)


def has_ended(program: Program) -> bool:
    """Whether it ran and no longer does; its lock is left alone, for its supervisor may want it."""
    return program.exit_record is not None or bool(program.identity and not _supervised(program))


def _supervised(program: Program) -> bool:
    identity = program.identity
    return identity is not None and is_alive(identity)


def failed_start(what: str, program: Program) -> Failed:
    """The error of a program that did not come up, with the end of its log."""
    lines = _tail(program.folder / "log" / "process.log") or _tail(
        program.folder / "log" / "supervisor.log"
    )
    reason = lines[-1] if lines else "its log is empty"
    return Failed(f"{what}: {reason}", details=[{"log": line} for line in lines])


def _tail(path: Path) -> list[str]:
    """The last lines of a log that say something."""
    try:
        content = path.read_bytes()[-16_384:]
    except FileNotFoundError:
        return []
    lines = content.decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-_TAIL_LINES:]
