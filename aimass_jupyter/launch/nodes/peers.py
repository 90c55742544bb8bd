"""Peers: whether each node of a job reaches each other one, before it begins and while it runs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from aimass_jupyter.launch.nodes.frames import Message

GUARD_SECONDS = 2.0
TRY_SECONDS = 3.0
_PATIENCE = 3  # tries in a row that must fail before a peer counts as unreachable

Peer = dict[str, Any]


class Peers:
    """Listens on this node's address, and tries those of others."""

    def __init__(self, address: str) -> None:
        self._listener = socket.create_server((address, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._closed = threading.Event()
        threading.Thread(target=self._accept, name="peers", daemon=True).start()

    def close(self) -> None:
        """Listen and look no longer."""
        self._closed.set()
        self._listener.close()

    def _accept(self) -> None:
        """A connection that is made is all that a peer wants to know."""
        while not self._closed.is_set():
            try:
                self._listener.accept()[0].close()
            except OSError:
                return

    def try_all(self, peers: list[Peer]) -> list[dict[str, str]]:
        """The peers that cannot be reached, each with why."""
        tried = [(peer, why_not(peer)) for peer in peers]
        return [{"node": peer["node"], "why": reason} for peer, reason in tried if reason]

    def guard(self, peers: list[Peer], say: Callable[[Message], None]) -> None:
        """Try the peers again and again; say which one cannot be reached any more, once each."""
        for peer in peers:
            threading.Thread(
                target=self._guard, args=(peer, say), name=f"guard-{peer['node']}", daemon=True
            ).start()

    def _guard(self, peer: Peer, say: Callable[[Message], None]) -> None:
        failures = 0
        while failures < _PATIENCE and not self._closed.is_set():
            time.sleep(GUARD_SECONDS)
            reason = why_not(peer)
            failures = failures + 1 if reason else 0
        if not self._closed.is_set():
            say({"is": "unreachable", "node": peer["node"], "why": reason})


def why_not(peer: Peer) -> str:
    """Why a peer cannot be reached; empty when it can."""
    address = (str(peer["address"]), int(peer["port"]))
    try:
        with contextlib.closing(socket.create_connection(address, TRY_SECONDS)):
            return ""
    except TimeoutError:
        return f"no answer in {TRY_SECONDS:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
