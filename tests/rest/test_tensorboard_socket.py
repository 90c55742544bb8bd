"""The proxy's websocket. TensorBoard has none of its own, so a server with one stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

PATH = ("aimass", "tensorboard", "socket")


class Echo(WebSocketHandler):
    """Says what it is told, how it was asked, and closes when told so."""

    seen: dict[str, str]
    left: asyncio.Event

    def check_origin(self, origin: str) -> bool:
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[-1] if subprotocols else None

    def open(self, *_: str) -> None:
        Echo.left = asyncio.Event()
        Echo.seen = dict(self.request.headers.items()) | {"path": self.request.uri or ""}

    async def on_message(self, message: str | bytes) -> None:
        if message == "close":
            self.close(4000, "as told")
        else:
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        Echo.left.set()


class Behind:
    """Where the proxy is led to."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def address(self, tenant: str) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def close(self) -> None:
        """There is nothing to stop."""


@asynccontextmanager
async def echo_behind(jp_serverapp: Any) -> AsyncIterator[None]:
    """Lead the proxy to the echo."""
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(".*", Echo)]))
    server.add_sockets(sockets)
    (app,) = jp_serverapp.extension_manager.extension_apps["aimass_server"]
    app.control_plane_or_raise().tensorboards = Behind(sockets[0].getsockname()[1])
    try:
        yield
    finally:
        server.stop()


async def test_messages_pass_both_ways_and_credentials_do_not(
    jp_serverapp: Any, jp_ws_fetch: Any
) -> None:
    headers = {"Cookie": "a=secret", "X-Kept": "yes", "Sec-WebSocket-Protocol": "one, two"}
    async with echo_behind(jp_serverapp):
        socket = await jp_ws_fetch(*PATH, headers=headers, params={"q": "1"})
        assert socket.selected_subprotocol == "two"
        for message in ("text", "é" * 70_000, b"\x00\xff"):
            await socket.write_message(message, binary=isinstance(message, bytes))
            assert await socket.read_message() == message
        assert Echo.seen["path"].endswith("/aimass/tensorboard/socket?q=1")
        assert Echo.seen["X-Kept"] == "yes"
        assert not {"Authorization", "Cookie", "Origin"} & Echo.seen.keys()
        await socket.write_message("close")
        assert await socket.read_message() is None
        assert (socket.close_code, socket.close_reason) == (4000, "as told")
        socket.close()


async def test_a_socket_that_its_asker_leaves_is_closed_behind(
    jp_serverapp: Any, jp_ws_fetch: Any
) -> None:
    async with echo_behind(jp_serverapp):
        socket = await jp_ws_fetch(*PATH)
        await socket.write_message("text")
        assert await socket.read_message() == "text"
        socket.close()
        await asyncio.wait_for(Echo.left.wait(), 60)
