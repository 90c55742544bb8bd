"""Services in the database; the version's number is the fence of every change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from aimass_jupyter.contract.base import Page, PageRequest
from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.services import Service
from aimass_server.store import names, paging
from aimass_server.store.events import record
from aimass_server.store.tables import services


def find(connection: Connection, reference: str, tenant: str) -> Service:
    """A service by name or id; NotFound names the nearest."""
    return _service(names.find(connection, services, "service", reference, tenant))


def named(connection: Connection, name: str, tenant: str) -> Service | None:
    """The service of this name; None when there is none."""
    row = names.named(connection, services, name, tenant)
    return _service(row) if row else None


def page(connection: Connection, request: PageRequest, tenant: str) -> Page[Service]:
    """A page of a tenant's services by name."""
    query = select(services).where(services.c.tenant == tenant)
    return paging.page(connection, query, services.c.name, request, _service)


def every(connection: Connection) -> list[Service]:
    """The services of all tenants."""
    return [_service(row) for row in connection.execute(select(services)).all()]


def count(connection: Connection, tenant: str) -> int:
    """How many services a tenant has."""
    return names.count(connection, services, tenant)


def insert(connection: Connection, service: Service) -> None:
    """Keep a new service.

    Raises
    ------
    Conflict
        When the name was taken meanwhile.
    """
    if named(connection, service.name, service.tenant):
        raise Conflict(f"there is a service '{service.name}' already", "try again")
    connection.execute(services.insert().values(**service.model_dump()))
    _record(connection, service, service.owner)


def update(connection: Connection, before: Service, after: Service, actor: str) -> bool:
    """Change a service that is still as it was ``before``; False when it is another by now."""
    changed = connection.execute(
        services.update()
        .where(
            services.c.id == before.id,
            services.c.version == before.version,
            services.c.state == before.state,
        )
        .values(
            notebook=after.notebook,
            version=after.version,
            state=after.state,
            message=after.message,
            url=after.url,
            published_at=after.published_at,
        )
    )
    if not changed.rowcount:
        return False
    _record(connection, after, actor)
    return True


def _record(connection: Connection, service: Service, actor: str) -> None:
    record(
        connection,
        f"services.{service.state}",
        subject=service.id,
        name=service.name,
        owner=actor,
        tenant=service.tenant,
        version=service.version,
        message=service.message,
    )


def _service(row: Row[Any]) -> Service:
    return Service(**{name: getattr(row, name) for name in Service.model_fields})
