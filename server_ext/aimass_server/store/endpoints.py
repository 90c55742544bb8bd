"""Endpoints and the hashes of their keys in the database; the deployment's number is the fence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.base import Page, PageRequest
from aimass_jupyter.contract.endpoints import Endpoint, EndpointState
from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.models import Signature
from aimass_server.store import names, paging
from aimass_server.store.events import record
from aimass_server.store.tables import endpoint_keys, endpoints


@dataclass(frozen=True)
class KeptEndpoint:
    """An endpoint as it is kept: without its address, with what belongs to no answer."""

    id: str
    name: str
    owner: str
    tenant: str
    model: str
    digest: str
    deployment: int
    state: EndpointState
    message: str
    signature: Signature
    created_at: datetime
    deployed_at: datetime
    previous: str = ""

    def shown(self, gateway_url: str, key: str | None = None) -> Endpoint:
        """The endpoint as the contract has it."""
        return Endpoint(
            id=self.id,
            name=self.name,
            owner=self.owner,
            tenant=self.tenant,
            url=f"{gateway_url}/v2/models/{self.name}",
            model=self.model,
            state=self.state,
            message=self.message,
            signature=self.signature,
            created_at=self.created_at,
            deployed_at=self.deployed_at,
            previous=self.previous,
            key=key,
        )


def find(connection: Connection, reference: str, tenant: str) -> KeptEndpoint:
    """An endpoint by name or id; NotFound names the nearest."""
    return _kept(names.find(connection, endpoints, "endpoint", reference, tenant))


def named(connection: Connection, name: str, tenant: str) -> KeptEndpoint | None:
    """The endpoint of this name; None when there is none."""
    row = names.named(connection, endpoints, name, tenant)
    return _kept(row) if row else None


def page(connection: Connection, request: PageRequest, tenant: str) -> Page[KeptEndpoint]:
    """A page of a tenant's endpoints by name."""
    query = select(endpoints).where(endpoints.c.tenant == tenant)
    return paging.page(connection, query, endpoints.c.name, request, _kept)


def every(connection: Connection) -> list[KeptEndpoint]:
    """The endpoints of all tenants."""
    return [_kept(row) for row in connection.execute(select(endpoints)).all()]


def count(connection: Connection, tenant: str) -> int:
    """How many endpoints a tenant has."""
    return names.count(connection, endpoints, tenant)


def insert(connection: Connection, endpoint: KeptEndpoint, key_hash: str) -> None:
    """Keep a new endpoint with its first key.

    Raises
    ------
    Conflict
        When the name was taken meanwhile.
    """
    if named(connection, endpoint.name, endpoint.tenant):
        raise Conflict(f"there is an endpoint '{endpoint.name}' already", "try again")
    row = {**vars(endpoint), "signature": endpoint.signature.model_dump(mode="json")}
    connection.execute(endpoints.insert().values(**row))
    add_key(connection, endpoint, endpoint.owner, key_hash)
    _record(connection, endpoint, endpoint.owner)


def switch(connection: Connection, before: KeptEndpoint, after: KeptEndpoint, actor: str) -> None:
    """Bind another deployment to an endpoint.

    Raises
    ------
    Conflict
        When it was switched or deleted meanwhile.
    """
    changed = connection.execute(
        endpoints.update()
        .where(endpoints.c.id == before.id, endpoints.c.deployment == before.deployment)
        .values(
            model=after.model,
            digest=after.digest,
            deployment=after.deployment,
            state=after.state,
            message=after.message,
            signature=after.signature.model_dump(mode="json"),
            deployed_at=after.deployed_at,
            previous=after.previous,
        )
    )
    if not changed.rowcount:
        raise Conflict(f"endpoint '{before.name}' was changed by somebody else", "try again")
    _record(connection, after, actor)


def move(
    connection: Connection, endpoint: KeptEndpoint, state: EndpointState, message: str = ""
) -> bool:
    """Change the state of this very deployment, with its event; False when it is another by now."""
    mine = (endpoints.c.id == endpoint.id, endpoints.c.deployment == endpoint.deployment)
    row = connection.execute(select(endpoints).where(*mine)).first()
    if row is None:
        return False
    if (row.state, row.message) != (state, message):
        changes = {"state": state, "message": message}
        connection.execute(endpoints.update().where(*mine).values(**changes))
        _record(connection, _kept(row, **changes), row.owner)
    return True


def delete(connection: Connection, endpoint: KeptEndpoint, actor: str) -> None:
    """Forget an endpoint and its keys."""
    connection.execute(delete_from(endpoint_keys).where(endpoint_keys.c.endpoint_id == endpoint.id))
    connection.execute(delete_from(endpoints).where(endpoints.c.id == endpoint.id))
    record(
        connection,
        "endpoints.deleted",
        subject=endpoint.id,
        name=endpoint.name,
        owner=actor,
        tenant=endpoint.tenant,
        model=endpoint.model,
    )


def add_key(connection: Connection, endpoint: KeptEndpoint, owner: str, key_hash: str) -> None:
    """Keep one more key, by its hash."""
    connection.execute(
        endpoint_keys.insert().values(
            id=new_id("key"),
            endpoint_id=endpoint.id,
            owner=owner,
            tenant=endpoint.tenant,
            created_at=utc_now(),
            hash=key_hash,
        )
    )


def key_hashes(connection: Connection) -> dict[str, list[str]]:
    """The hashes of the keys of every endpoint, by its id."""
    found: dict[str, list[str]] = {}
    query = select(endpoint_keys.c.endpoint_id, endpoint_keys.c.hash).order_by(endpoint_keys.c.id)
    for row in connection.execute(query):
        found.setdefault(row.endpoint_id, []).append(row.hash)
    return found


def _record(connection: Connection, endpoint: KeptEndpoint, actor: str) -> None:
    record(
        connection,
        f"endpoints.{endpoint.state}",
        subject=endpoint.id,
        name=endpoint.name,
        owner=actor,
        tenant=endpoint.tenant,
        model=endpoint.model,
        message=endpoint.message,
    )


def _kept(row: Row[Any], **changes: Any) -> KeptEndpoint:
    fields = {name: getattr(row, name) for name in KeptEndpoint.__dataclass_fields__} | changes
    return KeptEndpoint(**fields | {"signature": Signature.model_validate(row.signature)})
