"""Clusters and their nodes in the database. Whether a node answers is not kept: it is found out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.clusters import EVERYBODY, LOCAL, Cluster, ClusterState, Node
from aimass_jupyter.contract.errors import Conflict, NotFound, did_you_mean
from aimass_server.store import jobs
from aimass_server.store.events import record
from aimass_server.store.tables import clusters, nodes
from aimass_server.store.tables import jobs as job_rows

_KEPT = tuple(column.name for column in nodes.c if column.name in Node.model_fields)


def usable(connection: Connection, tenant: str) -> list[Cluster]:
    """The clusters that a tenant may use, its own first, by name."""
    rows = connection.execute(select(clusters).order_by(clusters.c.name)).all()
    mine = [row for row in rows if row.tenant == tenant]
    lent = [row for row in rows if row.tenant != tenant and may_use(row.tenants, tenant)]
    return [_cluster(row) for row in (*mine, *lent)]


def may_use(tenants: list[str], tenant: str) -> bool:
    """Whether a tenant is one of those that something is lent to."""
    return EVERYBODY in tenants or tenant in tenants


def find(connection: Connection, reference: str, tenant: str) -> Cluster:
    """A cluster that a tenant may use, by id or name.

    Raises
    ------
    NotFound
        Naming the nearest that exists.
    """
    known = usable(connection, tenant)
    for cluster in known:
        if reference in (cluster.id, cluster.name):
            return cluster
    names = [LOCAL, *(cluster.name for cluster in known)]
    raise NotFound(f"there is no cluster '{reference}'", did_you_mean(reference, names))


def every(connection: Connection) -> list[Cluster]:
    """The clusters of all tenants."""
    return [_cluster(row) for row in connection.execute(select(clusters)).all()]


def insert(connection: Connection, cluster: Cluster) -> None:
    """Keep a new cluster.

    Raises
    ------
    Conflict
        When its tenant has one of that name.
    """
    mine = (clusters.c.tenant == cluster.tenant, clusters.c.name == cluster.name)
    if connection.execute(select(clusters.c.id).where(*mine)).first():
        raise Conflict(f"there is a cluster '{cluster.name}' already", "take another name")
    fields = {column.name for column in clusters.c}
    connection.execute(clusters.insert().values(**cluster.model_dump(include=fields)))
    _record(connection, "clusters.created", cluster, cluster.owner)


def open_to_jobs(connection: Connection, cluster: Cluster, actor: str) -> None:
    """Let jobs begin on a cluster."""
    _set_state(connection, cluster, "running", "")
    _record(connection, "clusters.running", cluster, actor)


def close_to_jobs(connection: Connection, cluster: Cluster, reason: str, actor: str) -> None:
    """Let no more jobs begin on a cluster."""
    _set_state(connection, cluster, "stopped", reason)
    _record(connection, "clusters.stopped", cluster, actor, reason=reason)


def _set_state(
    connection: Connection, cluster: Cluster, state: ClusterState, reason: str
) -> None:  # fmt: skip
    changed = {"state": state, "reason": reason}
    connection.execute(update(clusters).where(clusters.c.id == cluster.id).values(**changed))


def delete(connection: Connection, cluster: Cluster, actor: str) -> None:
    """Forget a cluster and its nodes.

    Raises
    ------
    Conflict
        When a job that has not ended is to run on it.
    """
    _require_unused(connection, cluster)
    connection.execute(delete_from(nodes).where(nodes.c.cluster_id == cluster.id))
    connection.execute(delete_from(clusters).where(clusters.c.id == cluster.id))
    _record(connection, "clusters.deleted", cluster, actor)


def _require_unused(connection: Connection, cluster: Cluster) -> None:
    wanted = (job_rows.c.cluster_id == cluster.id, job_rows.c.state.in_(jobs.ACTIVE))
    columns = (job_rows.c.name, job_rows.c.tenant, job_rows.c.state)
    last = job_rows.c.state == "queued"  # those that run are told first
    row = connection.execute(select(*columns).where(*wanted).order_by(last).limit(1)).first()
    if row is None:
        return
    if row.state != "queued":
        does, cure = "is used by", f"clusters stop {cluster.name} --now"
    else:
        does, cure = "is waited for by", f"jobs stop {row.name}"
    own = row.tenant == cluster.tenant
    raise Conflict(
        f"cluster '{cluster.name}' {does} {_told(row, cluster)}",
        f"wait for its end, or: {cure}" if own or row.state != "queued" else "wait for its end",
    )


def _told(job: Any, cluster: Cluster) -> str:
    """A job, for those whose cluster it is: that of another tenant has no name."""
    return f"job '{job.name}'" if job.tenant == cluster.tenant else "a job of another tenant"


def nodes_of(connection: Connection, cluster: Cluster) -> list[Node]:
    """The nodes of a cluster, by name."""
    query = select(nodes).where(nodes.c.cluster_id == cluster.id).order_by(nodes.c.name)
    return [_node(row, cluster) for row in connection.execute(query).all()]


def insert_node(connection: Connection, cluster: Cluster, node: Node, actor: str) -> None:
    """Keep a new node.

    Raises
    ------
    Conflict
        When the cluster has one of that name or address.
    """
    for other in nodes_of(connection, cluster):
        if other.name == node.name:
            raise Conflict(
                f"cluster '{cluster.name}' has a node '{node.name}' already", "take another name"
            )
        if (other.address, other.port) == (node.address, node.port):
            raise Conflict(
                f"'{node.address}' is node '{other.name}' already", "a machine is one node"
            )
    row = node.model_dump(include=set(_KEPT))
    connection.execute(
        nodes.insert().values(**row, owner=actor, tenant=cluster.tenant, draining=False)
    )
    _record(connection, "nodes.added", cluster, actor, node=node.name)


def drain(connection: Connection, cluster: Cluster, node: Node, reason: str, actor: str) -> None:
    """Let no more jobs begin on a node."""
    _set_draining(connection, node, reason, draining=True)
    _record(connection, "nodes.draining", cluster, actor, node=node.name, reason=reason)


def resume(connection: Connection, cluster: Cluster, node: Node, actor: str) -> None:
    """Let jobs begin on a node again."""
    _set_draining(connection, node, "", draining=False)
    _record(connection, "nodes.resumed", cluster, actor, node=node.name)


def _set_draining(connection: Connection, node: Node, reason: str, *, draining: bool) -> None:
    changed = {"draining": draining, "reason": reason}
    connection.execute(update(nodes).where(nodes.c.id == node.id).values(**changed))


def remove(connection: Connection, cluster: Cluster, node: Node, actor: str) -> None:
    """Forget a node.

    Raises
    ------
    Conflict
        When a job has ranks on it.
    """
    for job in jobs.holding_slots(connection):
        if job.cluster_id == cluster.id and node.name in {place.node for place in job.places}:
            raise Conflict(
                f"{_told(job, cluster)} runs on node '{node.name}'",
                f"first: nodes drain {cluster.name} {node.name}",
            )
    connection.execute(delete_from(nodes).where(nodes.c.id == node.id))
    _record(connection, "nodes.removed", cluster, actor, node=node.name)


def _record(connection: Connection, topic: str, cluster: Cluster, actor: str, **data: str) -> None:
    record(
        connection,
        topic,
        subject=cluster.id,
        name=cluster.name,
        owner=actor,
        tenant=cluster.tenant,
        **data,
    )


def _cluster(row: Row[Any]) -> Cluster:
    return Cluster.model_validate(dict(row._mapping))


def _node(row: Row[Any], cluster: Cluster) -> Node:
    """What is kept of a node; one that drains is drained for whoever knows that nothing runs."""
    kept = {name: row._mapping[name] for name in _KEPT}
    state = "draining" if row.draining else "ready"
    return Node(**kept, cluster=cluster.name, state=state)
