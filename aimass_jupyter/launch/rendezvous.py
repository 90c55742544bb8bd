"""Horovod's rendezvous: the keys and values by which its ranks find each other, over HTTP.

It answers what ``horovodrun``'s own server answers (GET and PUT of ``/scope/key``, and DELETE when
a rank is done with a scope), in one thread and a tenth of the time: ranks ask some fifty questions,
one after the other, before they meet. A question for a key that is not there yet is held until
somebody brings it, a second at most; Horovod would ask again every few milliseconds.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

HOLD_SECONDS = 1.0
_MOST_BYTES = 1 << 20
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK, _BAD_REQUEST, _NOT_FOUND = b"200 OK", b"400 Bad Request", b"404 Not Found"


@dataclass
class _Connection:
    """Somebody who asks; ``wanted`` is the key that is waited for, until ``deadline``."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    wanted: tuple[str, str] | None = None
    deadline: float = 0.0


class Rendezvous:
    """The server on a socket that listens already.

    Parameters
    ----------
    descriptor
        Of that socket.
    ranks
        How many ranks each host has, in their order.
    """

    def __init__(self, descriptor: int, ranks: Mapping[str, int]) -> None:
        self._listener = socket.socket(fileno=descriptor)
        self._listener.setblocking(False)
        self._sizes = _scope_sizes(ranks)
        self._values: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._done: Counter[str] = Counter()
        self._waiting: list[_Connection] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve_forever(self) -> None:
        """Answer until the process is ended."""
        while True:
            self.serve_once()

    def serve_once(self) -> None:
        """Answer whoever asks just now; wait for somebody when nobody does."""
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                self._accept()
            else:
                self._read(key.data)
        self._answer_the_late()

    def close(self) -> None:
        """Let go of everybody."""
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _patience(self) -> float | None:
        """How long nothing needs to be done."""
        if not self._waiting:
            return None
        return max(0.0, min(one.deadline for one in self._waiting) - time.monotonic())

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:  # whoever it was is gone again
            return
        accepted.setblocking(False)
        self._selector.register(accepted, selectors.EVENT_READ, _Connection(accepted))

    def _read(self, connection: _Connection) -> None:
        try:
            received = connection.socket.recv(1 << 16)
        except OSError:
            received = b""
        connection.received += received
        if not received or len(connection.received) > _MOST_BYTES:
            self._close(connection)
        elif (request := _whole(connection.received)) is not None:
            self._act(connection, *request)

    def _act(self, connection: _Connection, method: str, path: str, body: bytes) -> None:
        parts = path.split("/")
        if len(parts) != 3:
            self._answer(connection, _BAD_REQUEST)
            return
        scope, key = parts[1:]
        if method == "GET":
            self._get(connection, scope, key)
        elif method == "PUT":
            self._put(connection, scope, key, body)
        elif method == "DELETE":
            self._finish(scope, key)
            self._answer(connection, _OK)
        else:
            self._answer(connection, _BAD_REQUEST)

    def _get(self, connection: _Connection, scope: str, key: str) -> None:
        value = self._values[scope].get(key)
        if value is not None:
            self._answer(connection, _OK, value)
            return
        connection.wanted, connection.deadline = (scope, key), time.monotonic() + HOLD_SECONDS
        self._waiting.append(connection)

    def _put(self, connection: _Connection, scope: str, key: str, value: bytes) -> None:
        self._values[scope][key] = value
        self._answer(connection, _OK)
        for one in [one for one in self._waiting if one.wanted == (scope, key)]:
            self._answer(one, _OK, value)

    def _finish(self, scope: str, key: str) -> None:
        """A rank is done with a scope: what all are done with is forgotten."""
        if scope not in self._sizes:
            self._values[scope].pop(key, None)
            return
        self._done[scope] += 1
        if self._done[scope] == self._sizes[scope]:
            self._values.pop(scope, None)
            del self._done[scope]

    def _answer_the_late(self) -> None:
        now = time.monotonic()
        for one in [one for one in self._waiting if one.deadline <= now]:
            self._answer(one, _NOT_FOUND)

    def _answer(self, connection: _Connection, status: bytes, value: bytes = b"") -> None:
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        try:
            connection.socket.setblocking(True)
            connection.socket.sendall(head % (status, len(value)) + value)
        except OSError:  # it is gone, and with it the question
            pass
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        if connection in self._waiting:
            self._waiting.remove(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _scope_sizes(ranks: Mapping[str, int]) -> dict[str, int]:
    """How many ranks meet in each scope: all, those of a host, those of a place on their hosts."""
    sizes = {f"local_{host}": count for host, count in ranks.items()}
    for place in range(max(ranks.values())):
        sizes[f"cross_{place}"] = sum(count > place for count in ranks.values())
    return sizes | {"global": sum(ranks.values())}


def _whole(received: bytearray) -> tuple[str, str, bytes] | None:
    """Method, path and body of a request; None while it is not all there."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    length = _LENGTH.search(received, 0, end)
    start = end + len(_HEAD_END)
    stop = start + (int(length[1]) if length else 0)
    if len(received) < stop:
        return None
    method, _, rest = bytes(received[:end]).decode("latin-1").partition(" ")
    return method, rest.partition(" ")[0], bytes(received[start:stop])
