"""The verbs of the noun *endpoint*."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.base import Done, Page
from aimass_jupyter.contract.endpoints import (
    Endpoint,
    EndpointDeploy,
    EndpointList,
    EndpointRef,
    EndpointUsage,
    Prediction,
    PredictRequest,
)
from aimass_jupyter.contract.errors import (
    AimassError,
    Conflict,
    Expired,
    Failed,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unavailable,
)
from aimass_jupyter.contract.ids import Clock, new_id, utc_now
from aimass_jupyter.contract.models import ModelDetail
from aimass_server.access import Call, require_owner
from aimass_server.access.tokens import hash_of
from aimass_server.serving.fleet import Fleet
from aimass_server.serving.front import Front, Routes
from aimass_server.serving.prediction import predictions_of, request_of
from aimass_server.serving.usage import usage_of
from aimass_server.store import Blobs, Store, digests, endpoints
from aimass_server.store.endpoints import KeptEndpoint

KEY_PREFIX = "aimk_"

_BY_STATUS: dict[int, type[AimassError]] = {
    404: NotFound,
    413: TooLarge,
    503: Unavailable,
    504: Expired,
}


class Serving:
    """Deploys model versions to endpoints and asks them.

    Parameters
    ----------
    data
        The data folder.
    find_model
        A model by reference, for somebody; the version asked for is its ``selected``.
    port, allowed_hosts
        The gateway's: the port to prefer, names it may be called by besides the loopback ones.
    """

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        data: Path,
        find_model: Callable[[Call, str], Awaitable[ModelDetail]],
        *,
        port: int = 0,
        allowed_hosts: tuple[str, ...] = (),
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._find_model = find_model
        self._clock = clock
        self._front = Front(data / "gateway", port, allowed_hosts, self._routes)
        self._fleet = Fleet(store, blobs, data, self._front.publish)

    @property
    def gateway_url(self) -> str | None:
        """Where endpoints answer; None while there never was one."""
        return self._front.url

    async def open(self) -> None:
        """Adopt the gateway and the replicas that run, start those that should."""
        await self._fleet.open()
        await self._front.open()

    async def close(self) -> None:
        """Stop looking after them; they go on."""
        await self._fleet.close()
        await self._front.close()

    async def deploy(self, call: Call, request: EndpointDeploy) -> Endpoint:
        """Serve a model version; an endpoint that exists is switched over without a gap.

        Raises
        ------
        Failed
            When its replica does not come up; the version before goes on answering.
        """
        model = await self._find_model(call, request.model)
        name = request.name or model.name
        async with self._fleet.alone(call.tenant, name):
            before = await self._store.read(lambda c: endpoints.named(c, name, call.tenant))
            if before:
                require_owner(call.principal, before.owner, f"endpoint '{name}'")
            after = self._bound(call, name, model, before)
            self._check_bundle(after)
            with self._blobs.pinned(after.digest):  # until the row refers to it
                url = await self._front.ensure()
                await self._fleet.bring_up(after)
                key = await self._commit(call, before, after)
            await self._put_in_force(before, after)
        return after.shown(url, key)

    async def list(self, call: Call, request: EndpointList) -> Page[Endpoint]:
        """A page of endpoints."""
        page = await self._store.read(lambda c: endpoints.page(c, request, call.tenant))
        shown = [endpoint.shown(self._url) for endpoint in page.items]
        return Page[Endpoint](items=shown, next_token=page.next_token)

    async def show(self, call: Call, request: EndpointRef) -> Endpoint:
        """One endpoint."""
        return (await self._find(call, request)).shown(self._url)

    async def rollback(self, call: Call, request: EndpointRef) -> Endpoint:
        """Serve again what was served before; once more is back to where it was.

        Raises
        ------
        Conflict
            When it has served nothing else.
        NotFound
            When that version was deleted.
        """
        found = await self._find(call, request)
        if not found.previous:
            raise Conflict(
                f"endpoint '{found.name}' has served nothing but {found.model}",
                f"deploy another version: deploy NAME@VERSION --name {found.name}",
            )
        return await self.deploy(call, EndpointDeploy(model=found.previous, name=found.name))

    async def usage(self, call: Call, request: EndpointRef) -> EndpointUsage:
        """How an endpoint is used, as its gateway counted."""
        endpoint = await self._find(call, request)
        return usage_of(endpoint, await self._front.usage(endpoint.id), self._clock())

    async def key(self, call: Call, request: EndpointRef) -> Endpoint:
        """Issue one more key."""
        found = await self._find(call, request)
        require_owner(call.principal, found.owner, f"endpoint '{found.name}'")
        key = _new_key()
        async with self._fleet.alone(found.tenant, found.name):
            endpoint = await self._find(call, EndpointRef(endpoint=found.id))
            await self._store.write(
                lambda c: endpoints.add_key(c, endpoint, call.user, hash_of(key))
            )
            await self._front.publish()
        return endpoint.shown(self._url, key)

    async def delete(self, call: Call, request: EndpointRef) -> Done:
        """Stop serving, and free the bytes that nothing else refers to."""
        found = await self._find(call, request)
        require_owner(call.principal, found.owner, f"endpoint '{found.name}'")
        async with self._fleet.alone(found.tenant, found.name):
            endpoint = await self._find(call, EndpointRef(endpoint=found.id))
            await self._store.write(lambda c: endpoints.delete(c, endpoint, call.user))
            try:
                await self._front.publish()
            finally:
                await self._fleet.drop(endpoint)
        return Done(id=endpoint.id, freed_bytes=await self._free(endpoint.digest))

    async def predict(self, call: Call, request: PredictRequest) -> Prediction:
        """Ask the model behind an endpoint.

        Raises
        ------
        InvalidRequest
            Naming the row and the input that is wrong.
        """
        endpoint = await self._find(call, request)
        body = await asyncio.to_thread(request_of, endpoint.signature, request.rows)
        status, answer = await self._front.infer(endpoint.id, body)
        if status != 200:
            raise _error(status, str(answer.get("error", "the gateway gave no reason")))
        predictions, outputs = await asyncio.to_thread(predictions_of, answer)
        return Prediction(
            endpoint=endpoint.name, model=endpoint.model, predictions=predictions, outputs=outputs
        )

    @property
    def _url(self) -> str:
        return self._front.url or ""

    async def _find(self, call: Call, request: EndpointRef) -> KeptEndpoint:
        return await self._store.read(lambda c: endpoints.find(c, request.endpoint, call.tenant))

    def _bound(
        self, call: Call, name: str, model: ModelDetail, before: KeptEndpoint | None
    ) -> KeptEndpoint:
        """The endpoint with the model version as its next deployment."""
        now = self._clock()
        version = model.selected
        fresh = KeptEndpoint(
            id=new_id("ep"),
            name=name,
            owner=call.user,
            tenant=call.tenant,
            model=f"{model.name}@{version.version}",
            digest=version.digest,
            deployment=1,
            state="ready",
            message="",
            signature=version.signature,
            created_at=now,
            deployed_at=now,
        )
        if before is None:
            return fresh
        return replace(
            fresh,
            id=before.id,
            owner=before.owner,
            created_at=before.created_at,
            deployment=before.deployment + 1,
            previous=before.previous if before.model == fresh.model else before.model,
        )

    def _check_bundle(self, endpoint: KeptEndpoint) -> None:
        path = self._blobs.path_of(endpoint.digest)
        if not path.is_file():
            raise NotFound(
                f"the bundle of '{endpoint.model}' is not in the data folder ({path.name[:12]}…)",
                "restore the data folder's blobs, or train the model again",
            )

    async def _commit(
        self, call: Call, before: KeptEndpoint | None, after: KeptEndpoint
    ) -> str | None:
        """Write down what was brought up; it goes again when that fails. A new key, or None."""
        key = None if before else _new_key()
        try:
            if before:
                await self._store.write(lambda c: endpoints.switch(c, before, after, call.user))
            else:
                await self._store.write(lambda c: endpoints.insert(c, after, hash_of(key or "")))
        except BaseException:
            await self._fleet.discard(after)
            raise
        return key

    async def _put_in_force(self, before: KeptEndpoint | None, after: KeptEndpoint) -> None:
        """Switch the route, and only then end what answered before."""
        try:
            await self._front.publish()
        finally:
            self._fleet.want(after)
        if before and before.digest != after.digest:
            await self._free(before.digest)

    async def _free(self, digest: str) -> int:
        """Delete a bundle that nothing refers to any more; returns the bytes freed."""
        return await self._store.write(
            lambda c: sum(self._blobs.delete(unused) for unused in digests.unused(c, [digest]))
        )

    async def _routes(self) -> Routes:
        """The route table as it should be now."""
        kept, hashes = await self._store.read(
            lambda c: (endpoints.every(c), endpoints.key_hashes(c))
        )
        return {e.id: self._route(e, hashes.get(e.id, [])) for e in kept}

    def _route(self, endpoint: KeptEndpoint, hashes: Sequence[str]) -> dict[str, Any]:
        name, _, version = endpoint.model.rpartition("@")
        return {
            "name": endpoint.name,
            "socket": str(self._fleet.socket_of(endpoint)),
            "key_hashes": [*hashes],
            "model": name,
            "version": version,
            "state": endpoint.state,
        }


def _new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def _error(status: int, message: str) -> AimassError:
    """The error that an answer of the gateway stands for."""
    kind = _BY_STATUS.get(status, InvalidRequest if status < 500 else Failed)
    return kind(message, retry_after=2 if status == 503 else None)
