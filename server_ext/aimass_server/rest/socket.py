"""A websocket that opens, says hello and closes: whether one passes on the way to a client.

Kernels and their panels live on websockets, and proxies that block them are common; doctor asks
here. Nothing else is said over it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.websocket import WebSocketHandler

from aimass_jupyter.contract.system import SOCKET_PATH
from aimass_server.rest.base import AimassHandler

if TYPE_CHECKING:
    from aimass_server.app import AimassApp


def socket_handlers(app: AimassApp, base_url: str) -> list[Any]:
    """Its route, below a base URL."""
    return [(re.escape(base_url.rstrip("/") + SOCKET_PATH), SocketHandler, {"app": app})]


class SocketHandler(AimassHandler, WebSocketHandler):
    """One websocket, for a moment."""

    def permission(self) -> str:
        return "system:read"

    # prepare() asks for the identity: this mark tells Jupyter so
    @allow_unauthenticated
    async def get(self) -> None:
        await WebSocketHandler.get(self)

    def open(self, *args: str, **kwargs: str) -> None:
        self.close(1000, "hello")

    def on_message(self, message: str | bytes) -> None:
        """Nothing is asked here."""
