"""Who sees which nodes: those set aside for other tenants are not there for the rest."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_jupyter.contract.clusters import Cluster, Node
from aimass_server.access import Call
from aimass_server.store import clusters


def visible(call: Call, cluster: Cluster, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that the caller may know of; whose cluster it is sees all of them."""
    if cluster.tenant == call.tenant:
        return list(nodes)
    return [_lent(node) for node in nodes if not node.tenants or _aside(node, call.tenant)]


def _aside(node: Node, tenant: str) -> bool:
    return clusters.may_use(node.tenants, tenant)


def _lent(node: Node) -> Node:
    """Without what only its administrator needs to know."""
    return node.model_copy(
        update={"user": "", "python": "", "folder": "", "host_key": "", "tenants": []}
    )
