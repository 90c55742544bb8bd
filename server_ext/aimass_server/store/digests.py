"""Which blobs are still referred to."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select, union_all

from aimass_jupyter.contract.job_kinds import WORK
from aimass_server.store.tables import dataset_versions, endpoints, jobs, model_versions, uploads

_KEEP = ("training", *(kind for kind, work in WORK.items() if work.keeps_input))
_ACTIVE = ("queued", "starting", "running", "stopping")


def is_used(connection: Connection, digest: str) -> bool:
    """Whether any version, upload, endpoint or job refers to these bytes.

    A job keeps its own code and its notebook for as long as it is known; what else it reads only
    until it has ended.
    """
    references = union_all(
        *(
            select(table.c.digest).where(table.c.digest == digest)
            for table in (dataset_versions, model_versions, uploads, endpoints)
        ),
        select(jobs.c.dataset_digest).where(
            jobs.c.dataset_digest == digest, jobs.c.state.in_(_ACTIVE)
        ),
        select(jobs.c.source_digest).where(
            jobs.c.source_digest == digest,
            or_(jobs.c.kind.in_(_KEEP), jobs.c.state.in_(_ACTIVE)),
        ),
    )
    return connection.execute(references.limit(1)).first() is not None


def unused(connection: Connection, candidates: list[str]) -> list[str]:
    """Those of the digests that nothing refers to."""
    return [digest for digest in set(candidates) if not is_used(connection, digest)]
