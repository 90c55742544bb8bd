"""The tables. Every one has an owner and a tenant, from the first migration on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A time that goes in and comes out aware and in UTC (SQLite keeps no zone)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


def _identified() -> list[Column[Any]]:
    return [
        Column("id", String(40), primary_key=True),
        Column("owner", String(128), nullable=False),
        Column("tenant", String(128), nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
    ]


def _unique_name() -> UniqueConstraint:
    return UniqueConstraint("tenant", "name")


events = Table(
    "events",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("topic", String(64), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("name", String(128), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("owner", String(128), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    *_identified(),
    Column("filename", String(255), nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("last_version", Integer, nullable=False),  # a number is never used again
    _unique_name(),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    *_identified(),
    Column("dataset_id", ForeignKey("datasets.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("description", JSON, nullable=False),
    Column("job", String(40), index=True),
    UniqueConstraint("dataset_id", "version"),
)

jobs = Table(
    "jobs",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("fence", Integer, nullable=False),
    Column("cause", JSON),
    Column("engine", String(16), nullable=False),
    Column("np", Integer, nullable=False),
    Column("dataset", String(128), nullable=False),
    Column("dataset_digest", String(64), nullable=False),
    Column("label", String(256), nullable=False),
    Column("algorithm", String(64), nullable=False),
    Column("params", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("options", JSON, nullable=False),
    Column("source", JSON),
    Column("source_digest", String(64), index=True),
    Column("kind", String(16), nullable=False, server_default="training"),
    Column("input", JSON),
    Column("attended", Boolean, nullable=False, server_default=false()),
    Column("result", String(255)),
    Column("peak_memory_bytes", BigInteger),
    Column("devices", JSON, nullable=False, server_default="{}"),
    Column("rerun_of", String(40)),
    Column("resume", Boolean, nullable=False),
    Column("start", String(8)),
    Column("restarts", Integer, nullable=False),
    Column("attempts", JSON, nullable=False),
    Column("not_before", UtcDateTime),
    Column("cluster_id", String(40), nullable=False),
    Column("places", JSON, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("metrics", JSON, nullable=False),
    Column("model", String(128)),
    Index("ix_jobs_tenant", "tenant", "id"),
    Index("ix_jobs_tenant_name", "tenant", "name", "id"),
    Index("ix_jobs_tenant_state", "tenant", "state", "id", "owner"),
    Index("ix_jobs_tenant_kind", "tenant", "kind", "id"),
)

experiments = Table(
    "experiments",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    _unique_name(),
)

runs = Table(
    "runs",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("experiment", String(64), nullable=False),
    Column("job", String(40), unique=True),  # NULL: tracked without one
    Column("state", String(16), nullable=False),
    Column("cause", JSON),
    Column("params", JSON, nullable=False),
    Column("notes", Text, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("number", BigInteger, nullable=False, unique=True),  # by which the text index knows it
    Index("ix_runs_tenant_name", "tenant", "name"),
    Index("ix_runs_tenant_experiment_id", "tenant", "experiment", "id", "state"),
    Index("ix_runs_tenant_id", "tenant", "id"),
    Index("ix_runs_tenant_state_id", "tenant", "state", "id"),
)

run_tags = Table(
    "run_tags",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("tag", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("experiment", String(64), nullable=False),  # its run's, as is the state
    Column("state", String(16), nullable=False),
    Index("ix_run_tags_tag", "tenant", "tag", "run", "experiment", "state"),
    sqlite_with_rowid=False,
)

run_metrics = Table(
    "run_metrics",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("metric", String(200), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("experiment", String(64), nullable=False),  # its run's, as is the state
    Column("state", String(16), nullable=False),
    Column("last", Float),  # NULL: not finite
    Column("lowest", Float),
    Column("highest", Float),
    Column("step", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("not_finite", BigInteger, nullable=False),
    Index("ix_run_metrics_rank", "tenant", "metric", "last", "run"),
    Index("ix_run_metrics_state", "tenant", "metric", "state", "last", "run"),
    Index("ix_run_metrics_experiment", "tenant", "metric", "experiment", "last", "run", "state"),
    sqlite_with_rowid=False,
)

tagged_metrics = Table(  # each value beside each tag of its run
    "tagged_metrics",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("tag", String(64), primary_key=True),
    Column("metric", String(200), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("experiment", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("last", Float, nullable=False),
    Index(
        "ix_tagged_metrics_rank", "tenant", "tag", "metric", "last", "run", "experiment", "state"
    ),
    sqlite_with_rowid=False,
)

models = Table(
    "models",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("last_version", Integer, nullable=False),
    _unique_name(),
)

model_versions = Table(
    "model_versions",
    metadata,
    *_identified(),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("task", String(64), nullable=False),
    Column("algorithm", String(64), nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("signature", JSON, nullable=False),
    Column("dataset", String(128), nullable=False),
    Column("job", String(40), nullable=False, index=True),
    UniqueConstraint("model_id", "version"),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    *_identified(),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    Column("alias", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("model_id", "alias"),
)

endpoints = Table(
    "endpoints",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("deployment", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("signature", JSON, nullable=False),
    Column("deployed_at", UtcDateTime, nullable=False),
    Column("previous", String(128), nullable=False),
    _unique_name(),
)

endpoint_keys = Table(
    "endpoint_keys",
    metadata,
    *_identified(),
    Column("endpoint_id", ForeignKey("endpoints.id"), nullable=False, index=True),
    Column("hash", String(64), nullable=False),
)

services = Table(
    "services",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("notebook", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    _unique_name(),
)

clusters = Table(
    "clusters",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("tenants", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    _unique_name(),
)

nodes = Table(
    "nodes",
    metadata,
    *_identified(),
    Column("cluster_id", ForeignKey("clusters.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("address", String(254), nullable=False),
    Column("port", Integer, nullable=False),
    Column("user", String(32), nullable=False),
    Column("python", String(255), nullable=False),
    Column("host_key", Text, nullable=False),
    Column("folder", String(255), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("profile", String(64), nullable=False),
    Column("tenants", JSON, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("cluster_id", "name"),
)

tokens = Table(
    "tokens",
    metadata,
    *_identified(),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("owner", String(128), primary_key=True),
    Column("tenant", String(128), primary_key=True),
    Column("operation", String(64), nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("response", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    *_identified(),
    Column("operation", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("outcome", String(32), nullable=False),
)
