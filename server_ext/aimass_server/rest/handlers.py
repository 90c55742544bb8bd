"""The handlers of the operation table: JSON, bytes in, bytes out, and the event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web
from tornado.iostream import StreamClosedError

from aimass_jupyter.contract.errors import AimassError, NotFound, TooLarge, did_you_mean
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from aimass_jupyter.contract.validation import build
from aimass_server.events import Notice
from aimass_server.rest.base import AimassHandler
from aimass_server.rest.parsing import from_query, parse_json
from aimass_server.store.downloads import Download

if TYPE_CHECKING:
    from aimass_server.app import AimassApp

HEARTBEAT_SECONDS = 15.0
_CHUNK = 1 << 18
_SMALLER = "send a smaller file, or have AimassApp.max_upload_bytes raised"
_IGNORED_BYTES = 1 << 20
_UNCUT = 1 << 62  # bodies are measured here: tornado cuts them off without an answer


class OperationHandler(AimassHandler):
    """One path of the table: an operation for each method."""

    def initialize(self, app: AimassApp, operations: dict[str, Operation]) -> None:  # type: ignore[override]
        super().initialize(app)
        self.operations = operations

    @property
    def operation(self) -> Operation:
        """The operation that this request asks for."""
        method = "GET" if self.request.method == "HEAD" else self.request.method
        if method not in self.operations:
            raise web.HTTPError(405)
        return self.operations[method]

    def permission(self) -> str:
        return self.operation.permission

    async def _answer(self, **path_fields: str) -> None:
        fields: dict[str, Any] = from_query(self.operation, self.request.query_arguments)
        if self.operation.takes_json:
            fields |= parse_json(self.request.body)
        request = build(self.operation, fields | path_fields)
        assert self.principal is not None  # prepare() saw to it
        answer = await self.control_plane.operations.call(
            self.principal,
            self.operation,
            request,
            self.request.headers.get("Idempotency-Key"),
            self._body(),
        )
        await self._send(answer)

    def _body(self) -> AsyncIterator[bytes] | None:
        """The bytes of the body, for an operation that takes bytes."""
        return None

    async def _send(self, answer: Any) -> None:
        if isinstance(answer, Download):
            await self._send_file(answer)
        else:
            self.finish(answer.model_dump_json())

    async def _send_file(self, download: Download) -> None:
        self.set_header("Content-Length", str(download.size_bytes))
        self.set_attachment_header(download.filename)
        self.set_header("Content-Type", "application/octet-stream")
        if self.request.method != "HEAD":
            async for chunk in _chunks(download.path):
                self.write(chunk)
                await self.flush()
        self.finish(set_content_type="application/octet-stream")

    # Whether a method needs an identity is decided in prepare(), for all of them: these marks tell
    # Jupyter that the question was asked.
    @allow_unauthenticated
    async def get(self, **path_fields: str) -> None:
        await self._answer(**path_fields)

    head = post = put = patch = delete = get


class UnknownRouteHandler(AimassHandler):
    """Whatever lies below our root and is no route: said as an error, not by a login page."""

    def permission(self) -> str:
        return "system:read"

    @allow_unauthenticated
    async def get(self) -> None:
        route = self.request.path.partition(API_ROOT)[2]
        known = [operation.path for operation in OPERATIONS]
        raise NotFound(
            f"there is no route '{route}'",
            did_you_mean(route, known, f"see {API_ROOT}/openapi.json"),
        )

    head = post = put = patch = delete = get


@web.stream_request_body
class BytesHandler(OperationHandler):
    """An operation whose body is content: taken in as it comes, never held whole."""

    def initialize(self, app: AimassApp, operations: dict[str, Operation]) -> None:  # type: ignore[override]
        super().initialize(app, operations)
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=8)
        self._answering: asyncio.Task[None] | None = None
        self._refusal: AimassError | web.HTTPError | None = None
        self._ignored = 0

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse before the body is taken in, but let a short one end: the answer would be lost."""
        try:
            await super().prepare()
            self._require_size()
        except (AimassError, web.HTTPError) as refusal:
            self._refusal = refusal
        self.request.connection.set_max_body_size(_UNCUT)  # type: ignore[union-attr]

    def _require_size(self) -> None:
        """Refuse a body that says beforehand that it is too large; others are counted."""
        size, limit = self.request.headers.get("Content-Length", "0"), self._app.max_upload_bytes
        if size.isdecimal() and int(size) > limit:
            raise TooLarge(f"{size} bytes are to be sent, the limit is {limit}", _SMALLER)

    async def data_received(self, chunk: bytes) -> None:
        """Hand a piece of the body on, and wait while the disk is slower than the network."""
        if self._refusal is not None:
            self._ignore(chunk)
            return
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer(**self.path_kwargs))
        while not self._answering.done():
            try:
                await asyncio.wait_for(self._chunks.put(chunk), 0.5)
            except TimeoutError:
                continue
            return
        self._ignore(chunk)  # it failed before its end

    def _ignore(self, chunk: bytes) -> None:
        """Let a body pass that nobody wants, for a while; then answer into the middle of it."""
        self._ignored += len(chunk)
        if self._ignored > _IGNORED_BYTES:
            self._answer_early(self._refusal or self._failure())

    def _failure(self) -> BaseException | None:
        task = self._answering
        return task.exception() if task and task.done() and not task.cancelled() else None

    def _answer_early(self, error: BaseException | None) -> None:
        if error is not None:
            status = error.status_code if isinstance(error, web.HTTPError) else 500
            self.send_error(status, exc_info=(type(error), error, error.__traceback__))

    async def _body_chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    def _body(self) -> AsyncIterator[bytes]:
        return self._body_chunks()

    def on_connection_close(self) -> None:
        """The sender is gone: what was taken in is dropped."""
        if self._answering is not None:
            self._answering.cancel()

    @allow_unauthenticated
    async def post(self, **path_fields: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer(**path_fields))
        if not self._answering.done():
            await self._chunks.put(None)
        await self._answering

    head = get = put = patch = delete = post


class EventStreamHandler(OperationHandler):
    """Server-sent events (HTML Living Standard, section 9.2): events with ids, notices without."""

    @allow_unauthenticated
    async def head(self, **path_fields: str) -> None:
        self.finish(set_content_type="text/event-stream")

    @allow_unauthenticated
    async def get(self, **path_fields: str) -> None:
        fields = from_query(self.operation, self.request.query_arguments)
        if last := self.request.headers.get("Last-Event-ID"):
            fields["after"] = last
        # from now: that is before the follower knows that it follows
        fields.setdefault("after", await self.control_plane.feed.newest())
        request = build(self.operation, fields)
        assert self.principal is not None  # prepare() saw to it
        stream = self.control_plane.operations.stream(self.principal, self.operation, request)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        try:
            await self._relay(stream)
        except StreamClosedError:
            pass  # the follower left
        finally:
            await stream.aclose()

    async def _relay(self, stream: Any) -> None:
        self.write(": follow\n\n")
        await self.flush()
        following = asyncio.ensure_future(anext(stream, None))
        try:
            while not self.request.connection.stream.closed():  # type: ignore[union-attr]
                await asyncio.wait({following}, timeout=HEARTBEAT_SECONDS)
                if not following.done():
                    self.write(": alive\n\n")
                elif (item := following.result()) is None:
                    break
                else:
                    self.write(_message(item))
                    following = asyncio.ensure_future(anext(stream, None))
                await self.flush()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _message(item: Event | Notice) -> str:
    if isinstance(item, Event):
        return f"id: {item.sequence}\nevent: {item.topic}\ndata: {item.model_dump_json()}\n\n"
    return f"event: {item.topic}\ndata: {json.dumps(item.data)}\n\n"


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
