"""The gateway as an ASGI application: the routes of the Open Inference Protocol v2."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from hashlib import sha256
from typing import Any

from aimass_jupyter import __version__
from aimass_jupyter.contract.errors import AimassError, NotFound, Unavailable
from aimass_jupyter.contract.frames import Frame
from aimass_server.serving.gateway.answers import (
    Answer,
    Refused,
    answer_to,
    error_answer,
    json_answer,
    retry_header,
)
from aimass_server.serving.gateway.body import Bodies, Receive
from aimass_server.serving.gateway.head import Head, unauthenticated
from aimass_server.serving.gateway.routes import Route, RouteTable
from aimass_server.serving.gateway.tally import MAX_SLOTS, SLOT_SECONDS, Tally

INFER_SECONDS = 30.0

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_SERVER = {"name": "aimass-jupyter", "version": __version__, "extensions": []}


class Gateway:
    """Answers requests.

    Parameters
    ----------
    routes
        The table that says who opens what.
    hosts
        The names it may be called by.
    internal_key_hash
        Hash of the key of the control plane, which opens every endpoint by its id.
    """

    def __init__(self, routes: RouteTable, hosts: Collection[str], internal_key_hash: str) -> None:
        self._routes = routes
        self._hosts = hosts
        self._internal = internal_key_hash
        self._bodies = Bodies()
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._since = time.time()
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        answer = await self._answer(scope, receive)
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.all_headers}
        )
        await send({"type": "http.response.body", "body": answer.body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the route table from start to stop."""
        await receive()
        self._routes.refresh()
        self._following = asyncio.create_task(self._routes.follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._following.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            head = Head.of(scope)
            head.check_host(self._hosts)
            head.check_url()
            return await self._dispatch(head, receive)
        except Refused as refusal:
            return refusal.answer()
        except AimassError as error:
            return answer_to(error)

    async def _dispatch(self, head: Head, receive: Receive) -> Answer:
        match head.segments:
            case ["v2"]:
                return head.check_method("GET") or json_answer(_SERVER)
            case ["v2", "health", "live"]:
                return head.check_method("GET") or json_answer({"live": True})
            case ["v2", "health", "ready"]:
                return head.check_method("GET") or await self._ready()
            case ["v2", "models", *rest]:
                return await self._model(head, rest, receive)
            case ["internal", "generation"]:
                return self._generation(head)
            case ["internal", "usage", endpoint_id]:
                return self._usage(head, endpoint_id)
        raise NotFound(f"there is nothing at '{head.path[:200]}'", "models are at /v2/models/NAME")

    async def _ready(self) -> Answer:
        """Ready, as the protocol has it, when every model is."""
        replicas = self._routes.replicas
        ready = all(await asyncio.gather(*(replica.is_connected() for replica in replicas)))
        return json_answer({"ready": ready}, 200 if ready else 503)

    async def _model(self, head: Head, rest: list[str], receive: Receive) -> Answer:
        route = self._authorised(head, rest[0] if rest else "")
        match rest[1:]:
            case ["versions", version, *verb]:
                _check_version(route, version)
            case verb:
                pass
        match verb:
            case []:
                return head.check_method("GET") or _answer_of(await self._ask(route, "metadata"))
            case ["ready"]:
                return head.check_method("GET") or await _model_ready(route)
            case ["infer"]:
                return head.check_method("POST") or await self._infer(head, route, receive)
        raise NotFound(f"a model has nothing at '{'/'.join(rest[1:])[:200]}'")

    def _authorised(self, head: Head, asked: str) -> Route:
        """The endpoint that was asked for, if the key opens it.

        One that exists but is not opened by the key, and one that does not exist, look alike.
        """
        key_hash = sha256(head.key()).hexdigest()
        if hmac.compare_digest(key_hash, self._internal):
            route = self._routes.with_id(asked)
        elif (route := self._routes.opened_by(key_hash)) is None:
            raise unauthenticated()
        if route is None or asked not in (route.name, route.id):
            raise NotFound(f"this key opens no model '{asked[:100]}'")
        return route

    async def _infer(self, head: Head, route: Route, receive: Receive) -> Answer:
        began = time.perf_counter()
        status = 500
        try:
            with self._bodies.held() as body:
                content = await body.read(head, receive)
                answer = _answer_of(await self._ask(route, "infer", content))
            status = answer.status
            return answer
        except (AimassError, Refused) as error:
            status = error.status
            raise
        finally:
            tally = self._tallies[route.id]
            tally.add(route.replica.model, status, time.perf_counter() - began)

    async def _ask(self, route: Route, op: str, content: bytes = b"") -> Frame:
        """Ask the replica; once more when the endpoint was switched to another just then."""
        asked = self._routes.with_id(route.id) or route
        try:
            answer = await asked.replica.ask(op, content, timeout_seconds=INFER_SECONDS)
            if answer.header["status"] != Unavailable.status or not self._switched(asked):
                return answer
        except Unavailable:
            if not self._switched(asked):
                raise
        newest = self._routes.with_id(route.id) or route
        return await newest.replica.ask(op, content, timeout_seconds=INFER_SECONDS)

    def _switched(self, asked: Route) -> bool:
        """Whether another replica answers for this endpoint by now."""
        newest = self._routes.with_id(asked.id)
        return newest is not None and newest.replica is not asked.replica

    def _generation(self, head: Head) -> Answer:
        """Which route table is in force, for the control plane; a newer one is taken first."""
        self._require_internal(head)
        self._routes.refresh()
        self._forget()
        return head.check_method("GET") or json_answer({"generation": self._routes.generation})

    def _usage(self, head: Head, endpoint_id: str) -> Answer:
        """What was counted of an endpoint, for the control plane."""
        self._require_internal(head)
        if (route := self._routes.with_id(endpoint_id)) is None:
            raise NotFound(f"there is no endpoint '{endpoint_id[:100]}'")
        told = self._tallies[route.id].told(SLOT_SECONDS * MAX_SLOTS)
        replicas = [{"model": route.replica.model, "waiting": route.replica.waiting}]
        return head.check_method("GET") or json_answer(
            {"since": self._since, "replicas": replicas, **told}
        )

    def _require_internal(self, head: Head) -> None:
        if not hmac.compare_digest(sha256(head.key()).hexdigest(), self._internal):
            raise unauthenticated()

    def _forget(self) -> None:
        """Let go what was counted of endpoints that are no more."""
        for endpoint_id in [one for one in self._tallies if self._routes.with_id(one) is None]:
            del self._tallies[endpoint_id]


def _check_version(route: Route, version: str) -> None:
    if version != route.version:
        raise NotFound(
            f"'{route.name}' has no version '{version[:40]}' here", f"it serves {route.version}"
        )


async def _model_ready(route: Route) -> Answer:
    ready = await route.replica.is_ready()
    content = {"name": route.name, "ready": ready}
    return json_answer(content, 200 if ready else 503)


def _answer_of(frame: Frame) -> Answer:
    status = int(frame.header["status"])
    if status == 200:
        return Answer(body=frame.body)
    wait = frame.header.get("retry_after")
    reason = str(frame.header.get("error", "the replica gave no reason"))
    return error_answer(status, reason, retry_header(wait))
