"""The warm launcher, kept alive: a process that has imported what jobs need and forks them.

It is a child of the control plane and ends with it; the programs that it forked go on. Whatever
happens to it, a program can be started cold: nobody waits for it, and nobody needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any, Literal

from aimass_server.programs.program import detached_environment

ANSWER_SECONDS = 10.0
START_DELAY_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_STEADY_SECONDS = 60.0
_MESSAGE_BYTES = 1 << 16

#: What the first jobs may be like; an engine that its environment lacks is passed over.
_FIRST_SHAPES = (("torchrun", 2), ("horovod", 2))
_FIRST_SECONDS = 5.0  # whatever starts has more to do before

WarmState = Literal["off", "starting", "ready", "resting"]

logger = logging.getLogger("aimass.warm")


class Warm:
    """The warm launcher of one environment.

    Parameters
    ----------
    python
        The environment's interpreter.
    log
        File for what it says when something is wrong with it.
    most_bytes
        Memory that it may take; one that takes more is ended, and not started again.
    """

    def __init__(self, python: str, log: Path, most_bytes: int) -> None:
        self._python = python
        self._log = log
        self._most_bytes = most_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self.state: WarmState = "off"
        self.why = "AimassApp.warm is off"
        self.forked = 0
        self._unwanted = False

    def open(self) -> None:
        """Begin to keep one alive, once there is a moment for it."""
        self.state, self.why = "starting", ""
        self._keeper = asyncio.create_task(self._keep(), name="aimass-warm")

    async def close(self) -> None:
        """End it; what it forked goes on."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes beside what it shares with its forks; 0 when there is none."""
        if self._process is None:
            return 0
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()
            return sum(int(line.split()[1]) << 10 for line in rollup if line.startswith("Pss:"))
        return 0

    async def start(self, folder: Path) -> bool:
        """Have a supervisor forked for a folder that has its order.

        Returns
        -------
        bool
            Whether one has taken it. If not, start it cold; should one come all the same, the
            folder's lock decides.
        """
        if self.state != "ready" or self._socket is None:
            return False
        answer = asyncio.get_running_loop().create_future()
        self._asked[str(folder)] = answer
        try:
            self._socket.send(json.dumps({"folder": str(folder)}).encode())
            taken = await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            logger.warning("the warm launcher did not answer; it is started again")
            self._end()
            return False
        except OSError:  # it ended just now, or it does not read
            return False
        finally:
            self._asked.pop(str(folder), None)
        self.forked += taken
        return bool(taken)

    def prepare(self, engine: str, np: int) -> None:
        """Have ranks ready for a job of this shape; no more than a wish."""
        if self.state == "ready" and self._socket is not None:
            with contextlib.suppress(OSError):  # it ends just now, or does not read
                self._socket.send(json.dumps({"ahead": {"engine": engine, "np": np}}).encode())

    def _prepare_first(self) -> None:
        """Have ranks ready for a first job, where none has told yet what jobs are like."""
        if not self.forked and len(os.sched_getaffinity(0)) > 1:
            for engine, np in _FIRST_SHAPES:
                self.prepare(engine, np)

    async def _keep(self) -> None:
        """Run one, and another when it ends: at once after long use, later each time it fails."""
        pause = _FIRST_PAUSE_SECONDS
        await asyncio.sleep(START_DELAY_SECONDS)
        while True:
            began = time.monotonic()
            try:
                await self._run()
            except OSError as error:
                self.why = f"it could not be started: {error}"
            steady = time.monotonic() - began > _STEADY_SECONDS
            pause = _FIRST_PAUSE_SECONDS if steady else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            if self._unwanted:
                return
            self.state = "resting"
            await asyncio.sleep(pause)

    async def _run(self) -> None:
        """Start one and listen to it until it ends."""
        self.state = "starting"
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            with theirs:
                self._process = await self._spawn(theirs)
            self._socket = ours
            loop.add_reader(ours, self._hear)
            code = await self._process.wait()
            self.why = self.why or f"it ended with exit code {code}, see {self._log}"
        finally:
            loop.remove_reader(ours)
            self._socket, process = None, self._process
            self._end()
            ours.close()
            self._give_up()
            if process is not None:  # killed: the loop that closes next would lose its exit
                await process.wait()

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        number = theirs.fileno()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(self._log, flags, 0o600), "wb") as log:
            return await asyncio.create_subprocess_exec(
                self._python, "-m", "aimass_jupyter.launch.warm", str(number),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(number,),
                cwd=self._log.parent, env=detached_environment(), start_new_session=True,
            )  # fmt: skip

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()

    def _give_up(self) -> None:
        """Whoever waits for an answer gets none."""
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(False)

    def _hear(self) -> None:
        """Take the messages that are there."""
        with contextlib.suppress(BlockingIOError, ConnectionResetError):  # it may have been killed
            while self._socket and (message := self._socket.recv(_MESSAGE_BYTES)):
                self._heard(json.loads(message))
            if self._socket:  # it said its last
                asyncio.get_running_loop().remove_reader(self._socket)

    def _heard(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._note_ready()
        elif "leaving" in message:
            self.state, self.why = "resting", str(message["leaving"])
            logger.info("the warm launcher leaves: %s", self.why)
        elif answer := self._asked.get(message.get("started") or message.get("refused", "")):
            if "refused" in message:
                logger.info("%s starts cold: %s", message["refused"], message["why"])
            if not answer.done():
                answer.set_result("started" in message)

    def _note_ready(self) -> None:
        size = self.size_bytes
        if size <= self._most_bytes:
            self.state, self.why = "ready", ""
            asyncio.get_running_loop().call_later(_FIRST_SECONDS, self._prepare_first)
            return
        self.state, self._unwanted = "off", True
        self.why = (
            f"it takes {size >> 20} MB, more than the {self._most_bytes >> 20} MB of "
            "AimassApp.warm_memory_bytes"
        )
        logger.warning("there is no warm launcher: %s", self.why)
        self._end()
