"""uvicorn's HTTP protocol with the bounds it leaves open: slow or endless heads, slow readers."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
REQUEST_SECONDS = 60.0
READ_SECONDS = 30.0
MAX_HEAD_BYTES = 64 * 1024

_NOTHING = 0.0


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request does not arrive in time, or whose answer is not taken.

    The time that a request may still take is set by the parser as it gets on, and a timer is
    started only when bytes are missing: a request that arrives in one piece costs none.
    """

    _allowed = _NOTHING
    _timed = _NOTHING
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _chunk_bytes = 0
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._allowed = HEAD_SECONDS
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._allowed = _NOTHING
        self._watch()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._chunk_bytes = len(data)
        self._allowed = self._allowed or HEAD_SECONDS
        super().data_received(data)
        self._head_bytes += len(data)
        if self._allowed == HEAD_SECONDS and self._head_bytes > MAX_HEAD_BYTES:
            self.transport.abort()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = self.loop.call_later(READ_SECONDS, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading:
            self._reading.cancel()
            self._reading = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._allowed = HEAD_SECONDS
        self._head_bytes = -self._chunk_bytes  # what comes before it in the chunk is no head

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._allowed = REQUEST_SECONDS

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._allowed = _NOTHING

    def _watch(self) -> None:
        """Let a timer run for what is allowed now; one that runs for it already goes on."""
        if self._timed == self._allowed:
            return
        if self._timer:
            self._timer.cancel()
        self._timed = self._allowed
        self._timer = self.loop.call_later(self._timed, self._abort) if self._timed else None

    def _abort(self) -> None:
        self.transport.abort()
