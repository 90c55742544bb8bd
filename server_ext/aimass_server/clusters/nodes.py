"""Nodes: add, list, show, usage, drain, resume, remove."""

from __future__ import annotations

from collections.abc import Sequence

from aimass_jupyter.contract.base import Done, Page
from aimass_jupyter.contract.clusters import (
    Cluster,
    Fault,
    Node,
    NodeAdd,
    NodeDrain,
    NodeList,
    NodeRef,
    NodeUsage,
)
from aimass_jupyter.contract.errors import InvalidRequest, NotFound, did_you_mean
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_server.access import Call
from aimass_server.clusters.checking import check
from aimass_server.clusters.inventory import Inventory, counted, holding
from aimass_server.clusters.room import Clusters
from aimass_server.clusters.sight import visible
from aimass_server.clusters.usage import usage_of
from aimass_server.store import Store, clusters

_MANUAL = "see the manual: operators, clusters"


class Nodes:
    """What can be asked of nodes."""

    def __init__(self, store: Store, inventory: Inventory, rooms: Clusters) -> None:
        self._store = store
        self._inventory = inventory
        self._clusters = rooms

    async def add(self, call: Call, request: NodeAdd) -> Node:
        """Take a node in that passes the checks.

        Raises
        ------
        InvalidRequest
            Naming each thing that is wrong with it.
        """
        cluster = await self._clusters.own(call, request.cluster)
        backend = self._inventory.backend(cluster.kind)
        node = await backend.learn(_node(cluster, request))
        known = self._inventory.nodes_of(cluster.id)
        model = sorted(known, key=lambda one: one.state != "ready")[:1]  # the rest is like it
        checked = await check([backend.reach(one, 0) for one in (*model, node)])
        _require_sound(cluster, node, checked.faults)
        facts = checked.facts[node.name]
        node = node.model_copy(
            update={
                "slots": request.slots or int(facts["cpus"]),
                "memory_bytes": request.memory_bytes or int(facts["memory_bytes"]),
                "gpus": int(facts["gpus"]) if request.gpus is None else request.gpus,
            }
        )
        await self._store.write(lambda c: clusters.insert_node(c, cluster, node, call.user))
        await self._inventory.refresh()
        return node

    async def list(self, call: Call, request: NodeList) -> Page[Node]:
        """The nodes of a cluster that the caller may know of; they are few."""
        cluster = await self._inventory.find(call, request.cluster)
        busy = await holding(self._store)
        nodes = visible(call, cluster, self._inventory.nodes_of(cluster.id))
        return Page[Node](items=[counted(node, busy) for node in nodes])

    async def show(self, call: Call, request: NodeRef) -> Node:
        """One node."""
        _, node = await self._find(call, request)
        return counted(node, await holding(self._store))

    async def usage(self, call: Call, request: NodeRef) -> NodeUsage:
        """What is and was used of it."""
        _, node = await self._find(call, request)
        watch = self._inventory.watch_of(node)
        return usage_of(call, node, watch, await holding(self._store), history=True)

    async def drain(self, call: Call, request: NodeDrain) -> Node:
        """Let no more jobs begin on it."""
        cluster, node = await self._own(call, request)
        reason = request.reason
        await self._store.write(lambda c: clusters.drain(c, cluster, node, reason, call.user))
        await self._inventory.refresh()
        return await self.show(call, NodeRef(cluster=cluster.id, node=node.id))

    async def resume(self, call: Call, request: NodeRef) -> Node:
        """Let jobs begin on it again."""
        cluster, node = await self._own(call, request)
        await self._store.write(lambda c: clusters.resume(c, cluster, node, call.user))
        await self._inventory.refresh()
        return await self.show(call, NodeRef(cluster=cluster.id, node=node.id))

    async def remove(self, call: Call, request: NodeRef) -> Done:
        """Forget it."""
        cluster, node = await self._own(call, request)
        await self._store.write(lambda c: clusters.remove(c, cluster, node, call.user))
        await self._inventory.refresh()
        return Done(id=node.id)

    async def _find(self, call: Call, request: NodeRef) -> tuple[Cluster, Node]:
        cluster = await self._inventory.find(call, request.cluster)
        nodes = visible(call, cluster, self._inventory.nodes_of(cluster.id))
        for node in nodes:
            if request.node in (node.id, node.name):
                return cluster, node
        raise NotFound(
            f"cluster '{cluster.name}' has no node '{request.node}'",
            did_you_mean(request.node, [n.name for n in nodes], f"see: nodes list {cluster.name}"),
        )

    async def _own(self, call: Call, request: NodeRef) -> tuple[Cluster, Node]:
        await self._clusters.own(call, request.cluster)
        return await self._find(call, request)


def _node(cluster: Cluster, request: NodeAdd) -> Node:
    return Node(
        id=new_id("node"),
        name=request.node,
        cluster=cluster.name,
        cluster_id=cluster.id,
        address=request.address,
        port=request.port,
        user=request.user or "",
        python=request.python or "",
        folder=request.folder or "",
        host_key=request.host_key or "",
        slots=request.slots or 1,
        labels=request.labels,
        profile=request.profile,
        tenants=request.tenants,
        state="ready",
        created_at=utc_now(),
    )


def _require_sound(cluster: Cluster, node: Node, faults: Sequence[Fault]) -> None:
    """Refuse a node that has faults; those of the node that it is held against are not its own."""
    own = [fault for fault in faults if fault.node == node.name]
    others = [fault for fault in faults if fault.check == "connect" and fault not in own]
    told = [f"{fault.check}: {fault.message}" for fault in own]
    told += [f"connect: node '{fault.node}' does not reach it" for fault in others]
    if told:
        cure = _cure(own[0], cluster) if own else _MANUAL
        raise InvalidRequest(f"node '{node.name}' cannot be used: {'; '.join(told)}", cure)


def _cure(fault: Fault, cluster: Cluster) -> str:
    if fault.check != "reach":
        return _MANUAL
    if "Host key" in fault.message:
        return "is it another machine? what it shows now is kept when --host-key is left out"
    if "Permission denied" in fault.message:
        return f"its user's authorized_keys needs the key of: clusters show {cluster.name}"
    if fault.message.startswith("[Errno"):
        return "--folder is a place there that its user may write to; leave it out for one at home"
    return "--python is the interpreter there that has aimass-jupyter installed"
