"""The gateway's side of a replica: one connection, made when needed, shared by all questions.

It owns the socket and the questions that wait on it; it never reads what they ask. A replica that
is down or stuck is known to be so at once: nobody waits for a deadline behind it.
"""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import cast

from aimass_jupyter.contract.errors import AimassError, Expired, Unavailable
from aimass_jupyter.contract.frames import Frame, FrameReader, encode_frame

CONNECT_SECONDS = 2.0
MAX_WAITING = 512
MAX_UNSENT_BYTES = 64 * 1024 * 1024
RESTART_SECONDS = 2.0


class Replica:
    """A process that answers for one model version.

    Parameters
    ----------
    socket
        Where it listens; a restarted replica listens there again.
    model
        ``name@version``, for messages.
    """

    def __init__(self, socket: Path, model: str) -> None:
        self.socket = socket
        self.model = model
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, op: str, body: bytes = b"", *, timeout_seconds: float) -> Frame:
        """Ask a question and wait for its answer.

        Raises
        ------
        Unavailable
            At once when it is down, stuck or has too many questions waiting.
        Expired
            When it did not answer in time.
        """
        link = await self._connected()
        return await link.ask(op, body, timeout_seconds)

    async def is_ready(self, timeout_seconds: float = CONNECT_SECONDS) -> bool:
        """Whether it answers now."""
        try:
            answer = await self.ask("ready", timeout_seconds=timeout_seconds)
        except (Unavailable, Expired):
            return False
        return bool(answer.header["status"] == 200)

    async def is_connected(self) -> bool:
        """Whether it listens now: less than to be ready, and costs it nothing."""
        try:
            await self._connected()
        except Unavailable:
            return False
        return True

    @property
    def waiting(self) -> int:
        """How many questions wait for its answer now."""
        return self._link.waiting if self._link else 0

    def close(self) -> None:
        """Let the connection go; what still waits on it fails."""
        if self._link:
            self._link.close()

    async def _connected(self) -> _Link:
        if self._link is None or self._link.closed:
            async with self._connecting:
                if self._link is None or self._link.closed:
                    self._link = await self._connect()
        return self._link

    async def _connect(self) -> _Link:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, link = await loop.create_unix_connection(
                    lambda: _Link(self.model), str(self.socket)
                )
        except (OSError, TimeoutError):
            raise Unavailable(
                f"no replica of '{self.model}' is running now", retry_after=RESTART_SECONDS
            ) from None
        return link


class _Link(asyncio.Protocol):
    """One connection: numbers the questions and gives each its answer."""

    def __init__(self, model: str) -> None:
        self.closed = False
        self._model = model
        self._frames = FrameReader()
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._stuck = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._stuck = False
        try:
            frames = self._frames.feed(data)
        except AimassError:  # out of step: nothing that follows can be trusted
            self.close()
            return
        for frame in frames:
            answer = self._waiting.pop(frame.header.get("id", 0), None)
            if answer and not answer.done():
                answer.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._lost())
        self._waiting.clear()

    def close(self) -> None:
        self.closed = True
        self._transport.abort()

    async def ask(self, op: str, body: bytes, timeout_seconds: float) -> Frame:
        self._check_load()
        number, asked_at = next(self._numbers), self._loop.time()
        answer: asyncio.Future[Frame] = self._loop.create_future()
        self._waiting[number] = answer
        try:
            self._transport.write(encode_frame({"id": number, "op": op}, body))
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            # Not a word since the question: the next ones need not wait as long to learn it.
            self._stuck = self._heard_at < asked_at
            raise Expired(
                f"'{self._model}' did not answer within {timeout_seconds:g} s",
                "send fewer rows at a time, or try again",
            ) from None
        finally:
            self._waiting.pop(number, None)

    def _check_load(self) -> None:
        if self._stuck:
            raise Unavailable(f"'{self._model}' does not answer at present", retry_after=5)
        unsent = self._transport.get_write_buffer_size()
        if len(self._waiting) >= MAX_WAITING or unsent > MAX_UNSENT_BYTES:
            raise Unavailable(
                f"'{self._model}' has {len(self._waiting)} questions waiting, as many as it takes",
                retry_after=1,
            )

    def _lost(self) -> Unavailable:
        return Unavailable(
            f"the replica of '{self._model}' ended before it answered",
            retry_after=RESTART_SECONDS,
        )
