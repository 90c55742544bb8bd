"""Bodies: gathered whole, within a size, a time, and what all of them together may hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aimass_server.serving.gateway.answers import Refused
from aimass_server.serving.gateway.head import Head

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_HELD_BYTES = 128 * 1024 * 1024
MAX_DISCARDED_BYTES = 64 * 1024 * 1024
BODY_SECONDS = 30.0

Receive = Callable[[], Awaitable[dict[str, Any]]]
_CLOSE = {"connection": "close"}


class Bodies:
    """The bodies that are held in memory now."""

    def __init__(self) -> None:
        self.held_bytes = 0

    @contextmanager
    def held(self) -> Iterator[Body]:
        """A body for the time of a request."""
        body = Body(self)
        try:
            yield body
        finally:
            self.held_bytes -= body.size


class Body:
    """One body as it comes in."""

    def __init__(self, bodies: Bodies) -> None:
        self.size = 0
        self._bodies = bodies

    async def read(self, head: Head, receive: Receive) -> bytes:
        """Gather it.

        Raises
        ------
        Refused
            413 over the limit, 408 when it comes too slowly, 415 when it is compressed, 503 when
            too many bytes of other requests are held.
        """
        _check_form(head)
        if head.announced_bytes > MAX_BODY_BYTES:
            await self._refuse_size(head, receive, 0)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._gather(head, receive)
        except TimeoutError:
            raise Refused(
                408, f"the body did not arrive within {BODY_SECONDS:.0f} s", _CLOSE
            ) from None

    async def _gather(self, head: Head, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        async for chunk in _chunks(receive):
            self._take(len(chunk))
            if self.size > MAX_BODY_BYTES:
                chunks.clear()
                await self._refuse_size(head, receive, self.size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _take(self, size: int) -> None:
        self.size += size
        self._bodies.held_bytes += size
        if self._bodies.held_bytes > MAX_HELD_BYTES:
            raise Refused(
                503, "too many bytes of other requests are held now", {"retry-after": "1", **_CLOSE}
            )

    async def _refuse_size(self, head: Head, receive: Receive, received: int) -> None:
        """Refuse; a client that is already sending a little too much is let finish, to hear it."""
        if b"expect" not in head.headers and head.announced_bytes <= MAX_DISCARDED_BYTES:
            async for chunk in _chunks(receive):
                received += len(chunk)
                if received > MAX_DISCARDED_BYTES:
                    break
        raise Refused(
            413,
            f"the body is over the limit of {MAX_BODY_BYTES:,} bytes; send fewer rows at a time",
            _CLOSE,
        )


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The parts of a body as they come.

    Raises
    ------
    Refused
        When the client went away; nobody reads this one.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the connection was closed before the body had arrived", _CLOSE)
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _check_form(head: Head) -> None:
    encoding = head.headers.get(b"content-encoding", b"identity").lower()
    if encoding != b"identity":
        raise Refused(415, f"a body encoded as '{encoding.decode('latin-1')[:40]}' is not taken")
    if b"inference-header-content-length" in head.headers:
        raise Refused(415, "binary tensors are not taken: send the tensors as JSON")
