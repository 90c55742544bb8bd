"""The inventory: all clusters with their nodes, and whether each answers, kept in memory.

The database is asked when something was changed, not when somebody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from aimass_jupyter.contract.clusters import LOCAL, Cluster, Fault, Node
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Job, NodePlace
from aimass_jupyter.host.usage import memory_size
from aimass_server.access import Call
from aimass_server.clusters.backend import Backend, find_backend
from aimass_server.clusters.checking import check
from aimass_server.clusters.watch import LocalWatch, Watch
from aimass_server.store import Connection, Store, clusters, jobs

LOCAL_ID = ""


class Inventory:
    """What there is.

    Parameters
    ----------
    folder
        The data folder.
    slots, gpus
        Of this machine.
    """

    def __init__(self, store: Store, folder: Path, slots: int, gpus: int) -> None:
        self._store = store
        self._folder = folder
        self._slots = slots
        self._gpus = gpus
        self._began = utc_now()
        self._known: dict[str, tuple[Cluster, list[Node]]] = {}
        self._watches: dict[str, Watch] = {}
        self._changed: Callable[[], None] = lambda: None

    async def open(self, changed: Callable[[], None]) -> None:
        """Begin to watch the nodes; ``changed`` is called when one comes, goes or is another."""
        self._changed = changed
        place = NodePlace(
            node=LOCAL, ranks=0, address="127.0.0.1", argv=[], python="", folder=str(self._folder)
        )
        self._watches[LOCAL] = LocalWatch(place, self._history(LOCAL), changed)
        await self.refresh()

    async def close(self) -> None:
        """Watch no longer."""
        await asyncio.gather(*(watch.close() for watch in self._watches.values()))

    async def refresh(self) -> None:
        """Read anew what there is, after it was changed."""
        self._known = await self._store.read(_read)
        wanted = {
            node.id: (cluster, node) for cluster, nodes in self._known.values() for node in nodes
        }
        for node_id in self._watches.keys() - wanted.keys() - {LOCAL}:
            await self._watches.pop(node_id).close()
            self._history(node_id).unlink(missing_ok=True)
        for node_id, (cluster, node) in wanted.items():
            if node_id not in self._watches:
                place = self.backend(cluster.kind).reach(node, 0)
                self._watches[node_id] = Watch(place, self._history(node_id), self._changed)
        self._changed()

    def _history(self, node_id: str) -> Path:
        return self._folder / "clusters" / "usage" / f"{node_id}.json"

    def backend(self, kind: str) -> Backend:
        """The back-end of a kind; its own files are in the data folder."""
        return find_backend(kind, self._folder / "clusters" / kind)

    async def find(self, call: Call, reference: str) -> Cluster:
        """A cluster that the caller may use."""
        if reference == LOCAL:
            return self.local
        return await self._store.read(lambda c: clusters.find(c, reference, call.tenant))

    def watch_of(self, node: Node) -> Watch:
        """What is known of a node now."""
        return self._watches[node.id]

    def nodes_of(self, cluster_id: str) -> list[Node]:
        """The nodes of a cluster, each with its state now; none of one that is gone."""
        if cluster_id == LOCAL_ID:
            return [self.this_machine]
        return [self._seen(node) for node in self._known.get(cluster_id, (None, []))[1]]

    def ready_nodes(self, cluster_id: str) -> list[Node]:
        """The nodes on which jobs may begin."""
        known = self._known.get(cluster_id)
        if known is None or known[0].state == "stopped":
            return []
        return [node for node in self.nodes_of(cluster_id) if node.state == "ready"]

    def why_not_ready(self, cluster_id: str, tenant: str) -> list[str]:
        """What keeps a tenant's jobs from nodes of a cluster, in words."""
        known = self._known.get(cluster_id)
        if known is not None and known[0].state == "stopped":
            why = f": {known[0].reason}" if known[0].reason else ""
            return [f"cluster '{known[0].name}' is stopped{why}"]
        away = [
            node
            for node in self.nodes_of(cluster_id)
            if node.state != "ready"
            and (not node.tenants or clusters.may_use(node.tenants, tenant))
        ]
        return [f"node '{n.name}' is {n.state}{f': {n.reason}' if n.reason else ''}" for n in away]

    def reach(self, job: Job) -> list[NodePlace]:
        """How the places of a job are reached; none for a job on this machine."""
        if job.cluster_id == LOCAL_ID:
            return []
        cluster, nodes = self._known[job.cluster_id]
        backend = self.backend(cluster.kind)
        by_name = {node.name: node for node in nodes}
        return [backend.reach(by_name[place.node], place.ranks) for place in job.places]

    def heard_at(self, cluster_id: str, name: str) -> datetime | None:
        """When a node last said what is used of it; None when it does not answer."""
        for node in self._known.get(cluster_id, (None, []))[1]:
            if node.name == name and (now := self._watches[node.id].now):
                return now.at
        return None

    async def faults_of(self, places: list[NodePlace]) -> list[Fault]:
        """What keeps these nodes from running a job together."""
        return (await check(places)).faults

    def _seen(self, node: Node) -> Node:
        """A node as it is kept, and whether it answers."""
        watch = self._watches.get(node.id)
        if node.state == "ready" and watch is not None and watch.reason:
            return node.model_copy(update={"state": "down", "reason": watch.reason})
        return node

    @property
    def local(self) -> Cluster:
        """The cluster that is there without being made: this machine."""
        return Cluster(
            id=LOCAL_ID,
            name=LOCAL,
            kind=LOCAL,
            owner="",
            tenant="",
            tenants=["*"],
            state="running",
            created_at=self._began,
        )

    @property
    def gpu_percent(self) -> float | None:
        """How busy this machine's GPUs are; None where nothing tells."""
        now = self.watch_of(self.this_machine).now
        return now.gpu_percent if now else None

    @property
    def this_machine(self) -> Node:
        """Its one node."""
        return Node(
            id=LOCAL,
            name=LOCAL,
            cluster=LOCAL,
            cluster_id=LOCAL_ID,
            address="127.0.0.1",
            port=0,
            slots=self._slots,
            memory_bytes=memory_size(),
            gpus=self._gpus,
            state="ready",
            created_at=self._began,
        )


def _read(connection: Connection) -> dict[str, tuple[Cluster, list[Node]]]:
    found = clusters.every(connection)
    return {cluster.id: (cluster, clusters.nodes_of(connection, cluster)) for cluster in found}


def slots_used(node: Node, holding: Iterable[Job]) -> float:
    """The slots of a node that jobs hold."""
    if node.cluster_id == LOCAL_ID:
        return sum(job.slots for job in holding if job.cluster_id == LOCAL_ID)
    mine = [job for job in holding if job.cluster_id == node.cluster_id]
    each = [(job.slots_each, p) for job in mine for p in job.places if p.node == node.name]
    return sum(slots * place.ranks for slots, place in each)


def counted(node: Node, holding: Iterable[Job]) -> Node:
    """A node with the slots that are used; one that drains and is empty is drained."""
    used = slots_used(node, holding)
    drained = node.state == "draining" and not used
    return node.model_copy(update={"slots_used": used} | ({"state": "drained"} if drained else {}))


async def holding(store: Store) -> list[Job]:
    """Every job that holds slots."""
    return await store.read(jobs.holding_slots)
