"""Horovod's rendezvous server, on a socket that listens already, and quick to answer.

Horovod's ranks ask again every few milliseconds until a key is there, and each answer goes out in
two packets. Here a question for a key that is not there yet waits for it a moment, and an answer is
one packet.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

_HOLD_SECONDS = 1.0


class _Handler(RendezvousHandler):  # type: ignore[misc]
    """Answers in one packet, and holds a question for a key until somebody brings it."""

    wbufsize = -1
    disable_nagle_algorithm = True

    def _get_value(self, scope: str, key: str) -> Any:
        server: Rendezvous = self.server
        with server.brought:
            server.brought.wait_for(lambda: key in server.cache.get(scope, {}), _HOLD_SECONDS)
            return server.cache.get(scope, {}).get(key)

    def _put_value(self, scope: str, key: str, value: bytes) -> None:
        super()._put_value(scope, key, value)
        with self.server.brought:
            self.server.brought.notify_all()


class Rendezvous(RendezvousHTTPServer):  # type: ignore[misc]
    """The server on a descriptor."""

    daemon_threads = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        super().__init__(("127.0.0.1", 0), _Handler, 0)
        self.brought = threading.Condition(self.cache_lock)

    def expect(self, np: int) -> None:
        """Expect so many ranks, all on this host."""
        self.init(get_host_assignments(parse_hosts(f"localhost:{np}"), np))

    def server_bind(self) -> None:
        """Take the socket that listens instead of a new one."""
        self.socket.close()
        self.socket: socket.socket = socket.socket(fileno=self._descriptor)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def server_activate(self) -> None:
        """It listens."""
