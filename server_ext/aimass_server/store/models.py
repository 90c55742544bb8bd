"""Registered models, their versions and aliases in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.errors import NotFound, did_you_mean
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.models import Model, ModelDetail, ModelList, ModelVersion
from aimass_server.store import names, paging
from aimass_server.store.events import record
from aimass_server.store.tables import model_aliases, model_versions, models

_HAS_VERSIONS = select(model_versions.c.id).where(model_versions.c.model_id == models.c.id).exists()


def add_version(
    connection: Connection, name: str, owner: str, tenant: str, version: ModelVersion
) -> int:
    """Register a version (its number is given here); a job registers at most one."""
    known: int | None = connection.execute(
        select(model_versions.c.version).where(model_versions.c.job == version.job)
    ).scalar()
    if known is not None:
        return known
    require_owner(connection, name, owner, tenant)
    model_id = _get_or_create(connection, name, owner, tenant)
    number = names.next_version(connection, models, model_id)
    row = version.model_dump(mode="json", exclude={"version", "created_at"})
    connection.execute(
        model_versions.insert().values(
            **row,
            id=new_id("mv"),
            model_id=model_id,
            owner=owner,
            tenant=tenant,
            version=number,
            created_at=version.created_at,
        )
    )
    record(
        connection,
        "models.registered",
        subject=model_id,
        name=name,
        owner=owner,
        tenant=tenant,
        version=number,
        job=version.job,
        metrics=row["metrics"],
    )
    return number


def require_owner(connection: Connection, name: str, owner: str, tenant: str) -> None:
    """Refuse to add to what somebody else owns.

    Raises
    ------
    Forbidden
        Naming the owner.
    """
    names.require_owner(connection, models, "model", name, owner, tenant)


def get(connection: Connection, reference: str, tenant: str) -> ModelDetail:
    """A model by name, ``name@version``, ``name@alias`` or id."""
    name, suffix = names.split(reference)
    row = names.find(connection, models, "model", name, tenant, _HAS_VERSIONS)
    model = _model(connection, row)
    versions = [_version(v) for v in _versions(connection, row.id)]
    wanted = _resolve(model, suffix)
    selected = next((v for v in versions if v.version == wanted), None)
    if selected is None:
        known = [str(v.version) for v in versions] + list(model.aliases)
        raise NotFound(
            f"model '{row.name}' has no version or alias '{suffix}'",
            did_you_mean(str(suffix), known, f"known: {', '.join(known)}"),
        )
    return ModelDetail(**dict(model), selected=selected, history=versions)


def page(connection: Connection, request: ModelList, tenant: str) -> Page[Model]:
    """A page of models by name."""
    query = select(models).where(models.c.tenant == tenant, _HAS_VERSIONS)
    if request.search:
        query = query.where(models.c.name.ilike(f"%{request.search}%"))
    return paging.page(connection, query, models.c.name, request, lambda r: _model(connection, r))


def set_alias(connection: Connection, model: Model, alias: str, version: int, actor: str) -> None:
    """Point an alias at a version."""
    mine = (model_aliases.c.model_id == model.id, model_aliases.c.alias == alias)
    connection.execute(delete_from(model_aliases).where(*mine))
    connection.execute(
        model_aliases.insert().values(
            id=new_id("ma"),
            model_id=model.id,
            alias=alias,
            version=version,
            owner=actor,
            tenant=model.tenant,
            created_at=utc_now(),
        )
    )
    record(
        connection,
        "models.promoted",
        subject=model.id,
        name=model.name,
        owner=actor,
        tenant=model.tenant,
        version=version,
        alias=alias,
    )


def delete(connection: Connection, model: Model, version: int | None) -> list[str]:
    """Forget a version, or all; returns the digests that were let go."""
    chosen = model_versions.c.model_id == model.id
    aliases = model_aliases.c.model_id == model.id
    if version is not None:
        chosen &= model_versions.c.version == version
        aliases &= model_aliases.c.version == version
    digests = list(connection.execute(select(model_versions.c.digest).where(chosen)).scalars())
    connection.execute(delete_from(model_aliases).where(aliases))
    connection.execute(delete_from(model_versions).where(chosen))
    record(
        connection,
        "models.deleted",
        subject=model.id,
        name=model.name,
        owner=model.owner,
        tenant=model.tenant,
        version=version,
    )
    return digests


def count(connection: Connection, tenant: str) -> int:
    """How many models a tenant has."""
    return names.count(connection, models, tenant, _HAS_VERSIONS)


def _resolve(model: Model, suffix: str | None) -> int | None:
    if suffix is None:
        return model.latest.version
    return model.aliases.get(suffix, int(suffix) if suffix.isdecimal() else None)


def _get_or_create(connection: Connection, name: str, owner: str, tenant: str) -> str:
    mine = (models.c.name == name, models.c.tenant == tenant)
    found: str | None = connection.execute(select(models.c.id).where(*mine)).scalar()
    if found is None:
        found = new_id("mdl")
        connection.execute(
            models.insert().values(
                id=found,
                name=name,
                owner=owner,
                tenant=tenant,
                created_at=utc_now(),
                last_version=0,
            )
        )
    return found


def _versions(connection: Connection, model_id: str) -> list[Row[Any]]:
    query = select(model_versions).where(model_versions.c.model_id == model_id)
    return list(connection.execute(query.order_by(model_versions.c.version.desc())))


def _aliases(connection: Connection, model_id: str) -> dict[str, int]:
    query = select(model_aliases.c.alias, model_aliases.c.version)
    rows = connection.execute(query.where(model_aliases.c.model_id == model_id))
    return {row.alias: row.version for row in rows.all()}


def _model(connection: Connection, row: Row[Any]) -> Model:
    versions = _versions(connection, row.id)
    return Model(
        id=row.id,
        name=row.name,
        owner=row.owner,
        tenant=row.tenant,
        created_at=row.created_at,
        versions=len(versions),
        aliases=_aliases(connection, row.id),
        latest=_version(versions[0]),
    )


def _version(row: Row[Any]) -> ModelVersion:
    return ModelVersion(
        version=row.version,
        digest=row.digest,
        size_bytes=row.size_bytes,
        task=row.task,
        algorithm=row.algorithm,
        metrics=row.metrics,
        signature=row.signature,
        dataset=row.dataset,
        job=row.job,
        created_at=row.created_at,
    )
