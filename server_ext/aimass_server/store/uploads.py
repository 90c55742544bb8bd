"""Uploads in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.errors import NotFound
from aimass_jupyter.contract.uploads import Upload
from aimass_server.store.tables import uploads


def insert(connection: Connection, upload: Upload, owner: str, tenant: str) -> None:
    """Keep an upload."""
    connection.execute(uploads.insert().values(**upload.model_dump(), owner=owner, tenant=tenant))


def get(connection: Connection, upload_id: str, owner: str, tenant: str) -> Upload:
    """An upload of this owner.

    Raises
    ------
    NotFound
        When there is none, or it was forgotten.
    """
    mine = (uploads.c.id == upload_id, uploads.c.owner == owner, uploads.c.tenant == tenant)
    row = connection.execute(select(uploads).where(*mine)).first()
    if row is None:
        raise NotFound(f"there is no upload '{upload_id}'", "send the file again: uploads create")
    return _upload(row)


def forget(connection: Connection, upload_id: str) -> None:
    """Drop an upload that was used."""
    connection.execute(delete_from(uploads).where(uploads.c.id == upload_id))


def forget_older(connection: Connection, moment: datetime) -> list[str]:
    """Drop uploads that nobody used; returns their digests."""
    old = uploads.c.created_at < moment
    digests = list(connection.execute(select(uploads.c.digest).where(old)).scalars())
    connection.execute(delete_from(uploads).where(old))
    return digests


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        id=row.id,
        filename=row.filename,
        digest=row.digest,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
    )
