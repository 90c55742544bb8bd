"""Clusters: create, list, show, start, stop, delete, check, usage."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from aimass_jupyter.contract.base import Done, Page
from aimass_jupyter.contract.clusters import (
    EVERYBODY,
    LOCAL,
    Cluster,
    ClusterCreate,
    ClusterList,
    ClusterRef,
    ClusterStop,
    ClusterUsage,
    Fault,
    Faults,
    Node,
)
from aimass_jupyter.contract.errors import Conflict, Forbidden, InvalidRequest
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_server.access import Call
from aimass_server.clusters.checking import check
from aimass_server.clusters.inventory import Inventory, counted, holding
from aimass_server.clusters.sight import visible
from aimass_server.clusters.usage import usage_of
from aimass_server.store import Store, clusters


class Clusters:
    """What can be asked of clusters.

    Parameters
    ----------
    send_back
        Has a job that runs go back into the queue, its state kept; takes it, and why.
    """

    def __init__(
        self,
        store: Store,
        inventory: Inventory,
        send_back: Callable[[Job, str], Awaitable[object]],
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._send_back = send_back

    async def create(self, call: Call, request: ClusterCreate) -> Cluster:
        """Make a cluster without nodes."""
        if LOCAL in (request.cluster, request.kind):
            raise InvalidRequest("the cluster 'local' is this machine", "it is there already")
        backend = self._inventory.backend(request.kind)
        await backend.public_key()
        cluster = Cluster(
            id=new_id("clu"),
            name=request.cluster,
            kind=request.kind,
            owner=call.user,
            tenant=call.tenant,
            tenants=request.tenants,
            state="running",
            created_at=utc_now(),
        )
        await self._store.write(lambda c: clusters.insert(c, cluster))
        await self._inventory.refresh()
        return await self._shown(call, cluster)

    async def list(self, call: Call, request: ClusterList) -> Page[Cluster]:
        """All that the tenant may use; they are few."""
        known = await self._store.read(lambda c: clusters.usable(c, call.tenant))
        busy = await holding(self._store)
        counts = [self._counted(call, one, busy) for one in (self._inventory.local, *known)]
        return Page[Cluster](items=counts)

    async def show(self, call: Call, request: ClusterRef) -> Cluster:
        """One cluster."""
        return await self._shown(call, await self._inventory.find(call, request.cluster))

    async def start(self, call: Call, request: ClusterRef) -> Cluster:
        """Let jobs begin on it, once its nodes pass the checks.

        Raises
        ------
        Conflict
            Naming each thing that is wrong with a node that is not being drained.
        """
        cluster = await self.own(call, request.cluster)
        nodes = [n for n in self._inventory.nodes_of(cluster.id) if n.state in ("ready", "down")]
        if faults := await self._faults(cluster, nodes):
            told = "; ".join(f"node '{f.node}' ({f.check}): {f.message}" for f in faults)
            raise Conflict(
                f"cluster '{cluster.name}' cannot start: {told}",
                f"mend that, or first: nodes drain {cluster.name} {faults[0].node}",
            )
        await self._store.write(lambda c: clusters.open_to_jobs(c, cluster, call.user))
        for node in nodes:
            self._inventory.watch_of(node).look_now()
        return await self._again(call, cluster)

    async def stop(self, call: Call, request: ClusterStop) -> Cluster:
        """Let no more jobs begin on it; those that run end, or now go back into the queue."""
        cluster = await self.own(call, request.cluster)
        reason = request.reason or cluster.reason
        await self._store.write(lambda c: clusters.close_to_jobs(c, cluster, reason, call.user))
        await self._inventory.refresh()
        if request.now:
            why = f"cluster '{cluster.name}' was stopped{f': {reason}' if reason else ''}"
            for job in await holding(self._store):
                if job.cluster_id == cluster.id and job.state != "stopping":
                    with contextlib.suppress(Conflict):  # it has ended meanwhile
                        await self._send_back(job, why)
        return await self._again(call, cluster)

    async def delete(self, call: Call, request: ClusterRef) -> Done:
        """Forget it and its nodes."""
        cluster = await self.own(call, request.cluster)
        await self._store.write(lambda c: clusters.delete(c, cluster, call.user))
        await self._inventory.refresh()
        return Done(id=cluster.id)

    async def check(self, call: Call, request: ClusterRef) -> Faults:
        """Check all nodes, each by itself and each with each."""
        cluster = await self.own(call, request.cluster)
        nodes = self._inventory.nodes_of(cluster.id)
        faults = await self._faults(cluster, nodes, "horovod")
        return Faults(ok=not faults, nodes=len(nodes), items=[*faults])

    async def _faults(
        self, cluster: Cluster, nodes: Sequence[Node], engine: str = ""
    ) -> Sequence[Fault]:  # fmt: skip
        """What is wrong with nodes; with an engine, also what only that one minds."""
        backend = self._inventory.backend(cluster.kind)
        places = [backend.reach(node, 0) for node in nodes]
        return (await check(places, engine)).faults if places else []

    async def usage(self, call: Call, request: ClusterRef) -> ClusterUsage:
        """What is used now; of other tenants' jobs only the sum is told."""
        cluster = await self._inventory.find(call, request.cluster)
        busy = await holding(self._store)
        shown = self._counted(call, cluster, busy)
        nodes = [
            usage_of(call, node, self._inventory.watch_of(node), busy, history=False)
            for node in self._visible(call, cluster)
        ]
        used = [use for node in nodes for use in node.jobs]
        return ClusterUsage(
            cluster=cluster.name,
            slots=shown.slots,
            slots_used=shown.slots_used,
            nodes=nodes,
            jobs=used,
        )

    async def own(self, call: Call, reference: str) -> Cluster:
        """A cluster that the caller may change.

        Raises
        ------
        Forbidden
            When it is lent by another tenant.
        InvalidRequest
            When it is this machine.
        """
        cluster = await self._inventory.find(call, reference)
        if cluster.name == LOCAL:
            raise InvalidRequest(
                "the cluster 'local' is this machine, and stays as it is",
                "its slots are the trait AimassApp.slots",
            )
        if cluster.tenant != call.tenant:
            raise Forbidden(f"cluster '{cluster.name}' is lent to you", "ask who owns it")
        return cluster

    async def _again(self, call: Call, cluster: Cluster) -> Cluster:
        """The cluster as it is after it was changed."""
        await self._inventory.refresh()
        return await self._shown(call, await self._inventory.find(call, cluster.id))

    async def _shown(self, call: Call, cluster: Cluster) -> Cluster:
        counts = self._counted(call, cluster, await holding(self._store))
        if cluster.tenant != call.tenant:
            return counts
        key = await self._inventory.backend(cluster.kind).public_key()
        return counts.model_copy(update={"public_key": key})

    def _counted(self, call: Call, cluster: Cluster, busy: Sequence[Job]) -> Cluster:
        nodes = [counted(node, busy) for node in self._visible(call, cluster)]
        ready = [node for node in nodes if node.state == "ready"]
        runs = cluster.state != "stopped"
        empties = not runs and any(job.cluster_id == cluster.id for job in busy)
        found: dict[str, object] = {
            "state": "stopping" if empties else cluster.state,
            "nodes": len(nodes),
            "slots": sum(node.slots for node in ready) if runs else 0,
            "slots_used": sum(node.slots_used for node in nodes),
        }
        if cluster.id and cluster.tenant != call.tenant:
            found["tenants"] = [one for one in cluster.tenants if one in (call.tenant, EVERYBODY)]
        return cluster.model_copy(update=found)

    def _visible(self, call: Call, cluster: Cluster) -> Sequence[Node]:
        return visible(call, cluster, self._inventory.nodes_of(cluster.id))
