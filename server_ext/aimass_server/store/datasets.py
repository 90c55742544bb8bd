"""Datasets and their versions in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.datasets import (
    Dataset,
    DatasetDescription,
    DatasetList,
    DatasetVersion,
)
from aimass_jupyter.contract.errors import NotFound
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_server.store import names, paging
from aimass_server.store.events import record
from aimass_server.store.tables import dataset_versions, datasets

_HAS_VERSIONS = (
    select(dataset_versions.c.id).where(dataset_versions.c.dataset_id == datasets.c.id).exists()
)


def add_version(
    connection: Connection, job: Job, found: DatasetDescription, digest: str, size_bytes: int
) -> str:
    """Register what a job read as the next version of a dataset; the same bytes are not a new one.

    Returns
    -------
    str
        ``name@version``
    """
    name, owner, tenant = str(job.params["dataset"]), job.owner, job.tenant
    require_owner(connection, name, owner, tenant)
    row = _get_or_create(connection, job, name)
    newest = _versions(connection, row.id)[:1]
    description = found.model_dump(mode="json")
    if newest and (newest[0].digest, newest[0].description) == (digest, description):
        return f"{name}@{newest[0].version}"
    version = names.next_version(connection, datasets, row.id)
    connection.execute(
        dataset_versions.insert().values(
            id=new_id("dsv"),
            dataset_id=row.id,
            owner=owner,
            tenant=tenant,
            version=version,
            digest=digest,
            size_bytes=size_bytes,
            description=description,
            job=job.id,
            created_at=utc_now(),
        )
    )
    record(
        connection,
        "datasets.imported",
        subject=row.id,
        name=name,
        owner=owner,
        tenant=tenant,
        version=version,
    )
    return f"{name}@{version}"


def of_job(connection: Connection, job_id: str) -> str | None:
    """The version that a job gave, as ``name@version``; None while it has given none."""
    query = (
        select(datasets.c.name, dataset_versions.c.version)
        .join(datasets, datasets.c.id == dataset_versions.c.dataset_id)
        .where(dataset_versions.c.job == job_id)
    )
    row = connection.execute(query).first()
    return f"{row.name}@{row.version}" if row else None


def require_owner(connection: Connection, name: str, owner: str, tenant: str) -> None:
    """Refuse to add to what somebody else owns.

    Raises
    ------
    Forbidden
        Naming the owner.
    """
    names.require_owner(connection, datasets, "dataset", name, owner, tenant)


def get(connection: Connection, reference: str, tenant: str) -> Dataset:
    """A dataset by name, ``name@version`` or id; ``latest`` is the version that was asked for."""
    name, version = names.split(reference)
    row = names.find(connection, datasets, "dataset", name, tenant, _HAS_VERSIONS)
    return _dataset(connection, row, version)


def page(connection: Connection, request: DatasetList, tenant: str) -> Page[Dataset]:
    """A page of datasets by name."""
    query = select(datasets).where(datasets.c.tenant == tenant, _HAS_VERSIONS)
    if request.search:
        like = f"%{request.search}%"
        query = query.where(
            or_(
                datasets.c.name.ilike(like),
                datasets.c.description.ilike(like),
                func.lower(func.cast(datasets.c.tags, datasets.c.description.type)).like(like),
            )
        )
    return paging.page(
        connection, query, datasets.c.name, request, lambda row: _dataset(connection, row)
    )


def delete(connection: Connection, dataset: Dataset, version: int | None) -> list[str]:
    """Forget a version, or all; returns the digests that were let go."""
    chosen = dataset_versions.c.dataset_id == dataset.id
    if version is not None:
        chosen &= dataset_versions.c.version == version
    digests = list(connection.execute(select(dataset_versions.c.digest).where(chosen)).scalars())
    connection.execute(delete_from(dataset_versions).where(chosen))
    record(
        connection,
        "datasets.deleted",
        subject=dataset.id,
        name=dataset.name,
        owner=dataset.owner,
        tenant=dataset.tenant,
        version=version,
    )
    return digests


def count(connection: Connection, tenant: str) -> int:
    """How many datasets a tenant has."""
    return names.count(connection, datasets, tenant, _HAS_VERSIONS)


def _get_or_create(connection: Connection, job: Job, name: str) -> Row[Any]:
    mine = (datasets.c.name == name, datasets.c.tenant == job.tenant)
    row = connection.execute(select(datasets).where(*mine)).first()
    if row is None:
        connection.execute(
            datasets.insert().values(
                id=new_id("ds"),
                name=name,
                owner=job.owner,
                tenant=job.tenant,
                created_at=utc_now(),
                description=job.params["description"],
                tags=job.params["tags"],
                last_version=0,
            )
        )
        row = connection.execute(select(datasets).where(*mine)).one()
    return row


def _versions(connection: Connection, dataset_id: str) -> list[Row[Any]]:
    query = select(dataset_versions).where(dataset_versions.c.dataset_id == dataset_id)
    return list(connection.execute(query.order_by(dataset_versions.c.version.desc())))


def _dataset(connection: Connection, row: Row[Any], version: str | None = None) -> Dataset:
    versions = _versions(connection, row.id)
    chosen = next((v for v in versions if version in (None, str(v.version))), None)
    if chosen is None:
        known = ", ".join(str(v.version) for v in reversed(versions))
        raise NotFound(f"dataset '{row.name}' has no version '{version}'", f"versions: {known}")
    return Dataset(
        id=row.id,
        name=row.name,
        owner=row.owner,
        tenant=row.tenant,
        tags=row.tags,
        description=row.description,
        created_at=row.created_at,
        versions=len(versions),
        latest=DatasetVersion(
            **chosen.description,
            version=chosen.version,
            digest=chosen.digest,
            size_bytes=chosen.size_bytes,
            job=chosen.job or "",
            created_at=chosen.created_at,
        ),
    )
