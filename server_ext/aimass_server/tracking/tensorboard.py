"""TensorBoard over all jobs: started when somebody asks for it, adopted after a crash of ours.

It listens on a loopback port of its own and knows no login; only the proxy in ``rest`` lets people
in. It is stopped with the server: it keeps nothing that could be lost.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import unquote

from aimass_jupyter.contract.errors import Expired, Unavailable
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.host import read_record, write_record
from aimass_server.programs import Program
from aimass_server.store.blobs import storage_errors
from aimass_server.tracking.links import RunLinks

PATH = "/aimass/tensorboard"
START_SECONDS = 40.0
_LINK_SECONDS = 2.0
_POLL_SECONDS = 0.1
_ADDRESS = re.compile(r"TensorBoard \S+ at (http://127\.0\.0\.1:\d+)/")
_LOG = "log/process.log"


class TensorBoard:
    """One TensorBoard process for the jobs of a data folder.

    Parameters
    ----------
    folder
        The data folder.
    base_url
        Of the Jupyter server: TensorBoard answers below it.
    """

    def __init__(self, folder: Path, base_url: str) -> None:
        self.prefix = base_url.rstrip("/") + PATH
        self._folder = folder / "tensorboard"
        self._links = RunLinks(folder, self._folder / "runs")
        self._marker = f"AIMASS_TENSORBOARD={folder}"
        self._program: Program | None = None
        self._address = ""
        self._linked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def address(self) -> str:
        """Where it answers (``http://127.0.0.1:port``); starts it when it does not run.

        Raises
        ------
        Unavailable
            When it cannot be started; tells its last words.
        InsufficientStorage
            When the disk is full.
        """
        async with self._lock:
            with storage_errors():
                return await self._ready()

    async def _ready(self) -> str:
        if time.monotonic() - self._linked_at > _LINK_SECONDS:
            await asyncio.to_thread(self._links.refresh)
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
        record = read_record(self._folder / "tensorboard.json")
        if record is None or record["prefix"] != self.prefix:
            return False
        self._program = Program(self._folder / record["program"], self._marker)
        self._address = record["address"]
        return self._program.state() == "alive"

    async def _start(self) -> None:
        await asyncio.to_thread(self._clear)
        program = Program(self._folder / f"program-{ulid()}", self._marker)
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
        await asyncio.to_thread(write_record, self._folder / "tensorboard.json", record)
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
        (self._folder / "tensorboard.json").unlink(missing_ok=True)
        for left in self._folder.glob("program-*"):
            Program(left, self._marker).sweep()
            shutil.rmtree(left)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
