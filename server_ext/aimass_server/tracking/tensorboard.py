"""TensorBoards, one over the jobs of a tenant: started when somebody of the tenant asks for it,
adopted after a crash of ours.

Each listens on a loopback port of its own and knows no login; only the proxy in ``rest`` lets
people in. They are stopped with the server: they keep nothing that could be lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote

from aimass_jupyter.contract.errors import Expired, Unavailable
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.host import read_record, write_record
from aimass_server.programs import Program
from aimass_server.store.blobs import storage_errors
from aimass_server.tracking.links import RunLinks

PATH = "/aimass/tensorboard"
START_SECONDS = 80.0
_LINK_SECONDS = 2.0
_POLL_SECONDS = 0.1
_ADDRESS = re.compile(r"TensorBoard \S+ at (http://127\.0\.0\.1:\d+)/")
_LOG = "log/process.log"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

#: Those of some jobs and runs, by id, that are a tenant's.
OfTenant = Callable[[set[str], str], Awaitable[set[str]]]


class TensorBoards:
    """The TensorBoard processes of a data folder.

    Parameters
    ----------
    folder
        The data folder.
    base_url
        Of the Jupyter server: all of them answer below it, each to its tenant.
    """

    def __init__(self, folder: Path, base_url: str, of_tenant: OfTenant) -> None:
        self._data = folder
        self._folder = folder / "tensorboard"
        self._prefix = base_url.rstrip("/") + PATH
        self._of_tenant = of_tenant
        self._known: dict[str, TensorBoard] = {}

    async def address(self, tenant: str) -> str:
        """Where that of a tenant answers (``http://127.0.0.1:port``); starts it if need be.

        Raises
        ------
        Unavailable
            When it cannot be started; tells its last words.
        InsufficientStorage
            When the disk is full.
        """
        if tenant not in self._known:
            self._known[tenant] = self._one(
                self._folder / _folder_name(tenant), lambda ids: self._of_tenant(ids, tenant)
            )
        return await self._known[tenant].address()

    async def close(self) -> None:
        """Stop all, also those that nobody has asked for since a crash; leave nothing behind."""

        async def nobodys(ids: set[str]) -> set[str]:
            return set()

        theirs = {board.folder for board in self._known.values()}
        left = [path for path in self._folder.glob("*/") if path not in theirs]
        boards = [*self._known.values(), *(self._one(path, nobodys) for path in left)]
        await asyncio.gather(*(board.close() for board in boards))

    def _one(self, folder: Path, own: Callable[[set[str]], Awaitable[set[str]]]) -> TensorBoard:
        return TensorBoard(folder, self._data, self._prefix, own)


def _folder_name(tenant: str) -> str:
    """A folder's name for a tenant, whatever it is called."""
    plain = _PLAIN.fullmatch(tenant)
    return tenant if plain else f"={hashlib.sha256(tenant.encode()).hexdigest()[:32]}"


class TensorBoard:
    """One TensorBoard process, over some of the jobs and runs.

    Parameters
    ----------
    folder
        Its own.
    data
        The data folder.
    prefix
        The path below which it answers.
    own
        Which of some jobs and runs it shows, by id.
    """

    def __init__(
        self,
        folder: Path,
        data: Path,
        prefix: str,
        own: Callable[[set[str]], Awaitable[set[str]]],
    ) -> None:
        self.prefix = prefix
        self.folder = folder
        self._own = own
        self._links = RunLinks(data, folder / "runs")
        self._mine: set[str] = set()
        self._marker = f"AIMASS_TENSORBOARD={folder}"
        self._program: Program | None = None
        self._address = ""
        self._linked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def address(self) -> str:
        """Where it answers; starts it when it does not run."""
        async with self._lock:
            with storage_errors():
                return await self._ready()

    async def _ready(self) -> str:
        if time.monotonic() - self._linked_at > _LINK_SECONDS:
            found = await asyncio.to_thread(self._links.found)
            self._mine = {*(self._mine & found.keys()), *await self._own(found.keys() - self._mine)}
            await asyncio.to_thread(self._links.refresh, [found[name] for name in self._mine])
            self._linked_at = time.monotonic()
        if not await asyncio.to_thread(self._runs):
            await self._start()
        return self._address

    async def close(self) -> None:
        """Stop it and leave nothing behind."""
        async with self._lock:
            if await asyncio.to_thread(self._runs) and self._program:
                await self._program.stop(by="the server")
            self._program = None
            await asyncio.to_thread(self._clear)

    def _runs(self) -> bool:
        """Whether it runs below this base URL; adopts one that an earlier server started."""
        record = read_record(self.folder / "tensorboard.json")
        if record is None or record["prefix"] != self.prefix:
            return False
        self._program = Program(self.folder / record["program"], self._marker)
        self._address = record["address"]
        return self._program.state() == "alive"

    async def _start(self) -> None:
        await asyncio.to_thread(self._clear)
        program = Program(self.folder / f"program-{ulid()}", self._marker)
        argv = [
            sys.executable, "-m", "tensorboard.main", "--logdir", str(self._links.folder),
            "--host", "127.0.0.1", "--port", "0",
            "--path_prefix", unquote(self.prefix),  # it compares with a path that was decoded
            "--reload_interval", "2",
        ]  # fmt: skip
        launch = {"kind": "command", "argv": argv, "log": _LOG, "grace_seconds": 3}
        await asyncio.to_thread(program.start, launch)
        try:
            address = await self._listening(program)
        except BaseException:
            await program.stop(by="the server")
            raise
        record = {"prefix": self.prefix, "program": program.folder.name, "address": address}
        await asyncio.to_thread(write_record, self.folder / "tensorboard.json", record)
        self._program, self._address = program, address

    async def _listening(self, program: Program) -> str:
        """Wait until it says where it listens."""
        deadline = time.monotonic() + START_SECONDS
        try:
            await program.wait_started()
        except Expired as error:
            raise Unavailable(f"TensorBoard did not start: {error.message}", error.hint) from error
        while time.monotonic() < deadline:
            said = await asyncio.to_thread(_read, program.folder / _LOG)
            if found := _ADDRESS.search(said):
                return found[1]
            if program.state() != "alive":
                raise Unavailable(
                    f"TensorBoard ended as it started: {_last_line(said)}",
                    "pip install tensorboard in the server's environment, or see its log: "
                    f"{program.folder / _LOG}",
                )
            await asyncio.sleep(_POLL_SECONDS)
        raise Unavailable(
            f"TensorBoard did not answer within {START_SECONDS:.0f} s", "try again", retry_after=5
        )

    def _clear(self) -> None:
        """End what an earlier one left, and forget it; the links stay."""
        (self.folder / "tensorboard.json").unlink(missing_ok=True)
        for left in self.folder.glob("program-*"):
            Program(left, self._marker).sweep()
            shutil.rmtree(left)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
