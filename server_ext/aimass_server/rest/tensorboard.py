"""TensorBoard behind the login: a proxy for HTTP and websockets that checks who asks, each time.

TensorBoard never sees a cookie or a token, and its pages can be framed by this server's alone.
What it says is passed on as it comes, never gathered.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    websocket_connect,
)

from aimass_jupyter.contract.errors import AimassError, Unavailable
from aimass_server.rest.base import AimassHandler
from aimass_server.tracking.tensorboard import PATH

if TYPE_CHECKING:
    from aimass_server.app import AimassApp

REQUEST_SECONDS = 60.0
MAX_MESSAGE_BYTES = 16 << 20
_OF_THIS_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_PRIVATE = frozenset({"authorization", "cookie", "host", "origin", "referer", "x-xsrftoken"})
_NOT_TO_GO_BACK = _OF_THIS_HOP | {"date", "server", "set-cookie"}


def tensorboard_handlers(app: AimassApp, base_url: str) -> list[Any]:
    """The routes of TensorBoard, below a base URL."""
    prefix = re.escape(base_url.rstrip("/") + PATH)
    return [(rf"{prefix}(/.*)?", TensorBoardHandler, {"app": app})]


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a page of this very host asks; no page can change what its browser says of that."""
    origin = headers.get("Origin")
    if origin is None:
        return headers.get("Sec-Fetch-Site") == "same-origin"
    return urlsplit(origin).netloc.lower() == headers.get("Host", "").lower()


class TensorBoardHandler(AimassHandler, WebSocketHandler):
    """One request to TensorBoard, or one websocket."""

    _upstream: WebSocketClientConnection | None = None

    def permission(self) -> str:
        return "jobs:read"

    @property
    def content_security_policy(self) -> str:
        return "frame-ancestors 'self'"

    def check_xsrf_cookie(self) -> None:
        """TensorBoard's page knows no XSRF token: the browser must say that it asks from here.

        A hub wants to know before it takes a cookie, also for what only reads.
        """
        if is_from_here(self.request.headers):
            return
        identified = hasattr(self, "_jupyter_current_user")  # tornado asks once before that, too
        if identified and "Origin" in self.request.headers and self.check_origin():
            return
        super().check_xsrf_cookie()

    # prepare() asks for the identity, for every method: these marks tell Jupyter so
    @allow_unauthenticated
    async def get(self, path: str | None) -> None:
        if self.request.headers.get("Upgrade", "").lower() == "websocket":
            await self._connect()
        elif path is None:
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(f"{self.request.path}/{query}")
        else:
            await self._forward()

    @allow_unauthenticated
    async def head(self, path: str | None) -> None:
        await self.get(path)

    @allow_unauthenticated
    async def post(self, path: str | None) -> None:
        await self._forward()

    async def _forward(self) -> None:
        """Ask TensorBoard the same and pass its answer on, piece by piece."""
        url = await self._address() + str(self.request.uri)
        client = httpx.AsyncClient(trust_env=False, verify=False, timeout=REQUEST_SECONDS)
        try:
            async with (
                client,
                client.stream(
                    str(self.request.method),
                    url,
                    headers=self._forwarded(),
                    content=self.request.body,
                ) as answer,
            ):
                await self._pass_on(answer)
        except httpx.HTTPError as error:
            raise Unavailable(f"TensorBoard does not answer: {error}", "try again") from error
        except StreamClosedError:
            return  # whoever asked has gone

    async def _pass_on(self, answer: httpx.Response) -> None:
        self.set_status(answer.status_code, answer.reason_phrase)
        self.clear_header("Cache-Control")
        for name, value in answer.headers.items():
            if name.lower() == "content-security-policy":
                self.add_header(name, value)  # beside ours: a browser holds itself to both
            elif name.lower() not in _NOT_TO_GO_BACK:
                self.set_header(name, value)
        async for chunk in answer.aiter_raw():
            self.write(chunk)
            await self.flush()
        kind = answer.headers.get("Content-Type", "application/octet-stream")
        await self.finish(set_content_type=kind)

    async def _connect(self) -> None:
        """Open the other half first: a refusal there is an answer here, not a broken socket."""
        address = await self._address()
        request = HTTPRequest(f"ws{address[4:]}{self.request.uri}", headers=self._forwarded())
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        try:
            self._upstream = await websocket_connect(
                request,
                max_message_size=MAX_MESSAGE_BYTES,
                subprotocols=[name.strip() for name in offered.split(",") if name.strip()] or None,
            )
        except (OSError, HTTPClientError, WebSocketError) as error:
            raise Unavailable(f"TensorBoard takes no websocket here: {error}") from error
        await WebSocketHandler.get(self)
        if self.ws_connection is None:
            self.on_close()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        assert self._upstream is not None  # it was opened first
        return self._upstream.selected_subprotocol

    def open(self, *_: str, **__: str) -> None:
        assert self._upstream is not None  # it was opened first
        self._relay = asyncio.create_task(self._from_upstream(self._upstream))

    async def on_message(self, message: str | bytes) -> None:
        if self._upstream is not None:
            await self._upstream.write_message(message, binary=isinstance(message, bytes))

    async def _from_upstream(self, upstream: WebSocketClientConnection) -> None:
        try:
            while (message := await upstream.read_message()) is not None:
                await self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            return  # whoever asked has gone
        self.close(upstream.close_code, upstream.close_reason)

    def on_close(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

    async def _address(self) -> str:
        assert self.principal is not None  # prepare() saw to it
        return await self.control_plane.tensorboards.address(self.principal.tenant)

    def _forwarded(self) -> dict[str, str]:
        """What TensorBoard is told of the asker: nothing that lets anybody in anywhere."""
        kept = self.request.headers.items()
        return {name: value for name, value in kept if name.lower() not in _OF_THIS_HOP | _PRIVATE}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A browser that shows a page gets a page; everything else problem+json."""
        if "text/html" not in self.request.headers.get("Accept", ""):
            super().write_error(status_code, **kwargs)
            return
        raised = kwargs.get("exc_info", (None, None))[1]
        error = self._as_aimass_error(status_code, raised)
        status = error.status if raised is error else status_code
        stranger = status in (401, 403) and self.current_user is None
        self.set_status(status)
        page = _page(error, self.settings["login_url"] if stranger else "")
        self.finish(page, set_content_type="text/html")


def _page(error: AimassError, login: str) -> str:
    link = f'<p><a href="{html.escape(login)}">Log in</a></p>' if login else ""
    return (
        '<!doctype html><meta charset="utf-8"><title>TensorBoard</title>'
        '<body style="font: 15px/1.5 system-ui, sans-serif; margin: 3rem; max-width: 40rem">'
        f"<h1>TensorBoard is not here</h1><p>{html.escape(error.message)}</p>"
        f"<p>{html.escape(error.hint)}</p>{link}"
    )
