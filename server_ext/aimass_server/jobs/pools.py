"""The clusters as jobs know them, and whether a job could ever find room on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from aimass_jupyter.contract.clusters import Cluster, Fault, Node
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.jobs import Job, JobCreate, NodePlace
from aimass_jupyter.contract.quantities import counted
from aimass_server.jobs.picture import Amount, free_of, ranks_free
from aimass_server.jobs.placement import ANY, Room, Wants, place
from aimass_server.jobs.submission import Submission


class Pools(Protocol):
    """The clusters, as far as jobs need to know of them; an empty id is this machine."""

    def nodes_of(self, cluster_id: str) -> list[Node]:
        """All nodes."""

    def ready_nodes(self, cluster_id: str) -> list[Node]:
        """Those on which jobs may begin."""

    def why_not_ready(self, cluster_id: str, tenant: str) -> list[str]:
        """What keeps jobs from the others."""

    def reach(self, job: Job) -> list[NodePlace]:
        """How the places of a job are reached."""

    def heard_at(self, cluster_id: str, node: str) -> datetime | None:
        """When a node was last heard of."""

    async def faults_of(self, places: list[NodePlace]) -> list[Fault]:
        """What keeps these nodes from running a job together."""


@dataclass(frozen=True)
class Pool:
    """A cluster as a job names it; an empty id is this machine."""

    cluster_id: str
    slots: int

    def holds(self, submission: Submission) -> Submission:
        """The submission, for this cluster."""
        job = submission.job.model_copy(update={"cluster_id": self.cluster_id})
        return replace(submission, job=job)


def with_ranks(request: JobCreate) -> JobCreate:
    """One rank a node for a job that names nodes and no number of ranks."""
    if not request.nodes or "np" in request.model_fields_set:
        return request
    wants = Wants.parse(request.nodes, ())
    return request.model_copy(update={"np": wants.least_nodes})


def check_nodes(request: JobCreate, cluster: Cluster, nodes: Sequence[Node], tenant: str) -> None:
    """Refuse what no state of the cluster could give.

    Raises
    ------
    InvalidRequest
        Naming the profile, the label or the number, and what there is.
    """
    if not cluster.id:
        _refuse_nodes(request)  # whether it fits is asked of every kind of work, when it enters
        return
    wants = Wants.parse(request.nodes, request.node_labels)
    nodes = [node for node in nodes if Wants().suits(room_of(node), tenant)]
    _check_words(wants, cluster, nodes)
    least = min(request.np, request.min_np or request.np)
    if wants.least_nodes > request.np:
        raise InvalidRequest(
            f"--np {request.np} is fewer than the {wants.least_nodes} nodes of --nodes",
            "each node has a rank at least",
        )
    rooms = [room_of(node) for node in nodes]
    each = Amount(request.slots, float(request.memory or 0), float(request.gpus))
    empty = ranks_free(free_of(tuple(rooms), []), each)
    if place(empty, rooms, wants, tenant, least, request.np) is None:
        fit = [
            f"{room.name} ({_in_words(_whole(room), each)})"
            for room in rooms
            if wants.suits(room, tenant)
        ]
        if not nodes:
            raise InvalidRequest(
                f"cluster '{cluster.name}' has no node for you",
                "aimass nodes add, or another --cluster",
            )
        raise InvalidRequest(
            f"cluster '{cluster.name}' has no room, even when it is empty, for "
            f"{counted(least, 'rank')} with {_in_words(each, each)} each",
            f"nodes that suit: {', '.join(fit) or 'none'}",
        )


def _whole(room: Room) -> Amount:
    """All that a node has."""
    return Amount(room.slots, room.memory, room.gpus)


def _in_words(amount: Amount, asked: Amount) -> str:
    """An amount, as far as something of its kind is asked for."""
    told = [counted(amount.slots, "slot")]
    if asked.memory:
        told.append(f"{amount.memory / (1 << 30):.3g} GB of memory")
    if asked.gpus:
        told.append(counted(amount.gpus, "GPU"))
    return ", ".join(told)


def _refuse_nodes(request: JobCreate) -> None:
    for name in ("nodes", "node_labels"):
        if values := getattr(request, name):
            option = name.replace("_", "-")
            raise InvalidRequest(
                f"--{option} {','.join(values)} is for clusters, and none was named",
                "say --cluster NAME (see: clusters list)",
            )


def too_large_for(machine: Room, job: Job) -> str:
    """What a job needs that a machine, all of it free, has not; empty when it fits."""
    ranks = min(job.np, job.options.min_np or job.np)
    each = f" for each of {counted(ranks, 'rank')}" if ranks > 1 else ""
    memory, gpus = job.options.memory, job.options.gpus
    if ranks * job.slots_each > machine.slots:
        return f"--slots {job.slots_each:g}{each} is more than its {counted(machine.slots, 'slot')}"
    if memory and ranks * memory > machine.memory:
        return (
            f"--memory {memory / (1 << 30):g}GB{each} is more than its "
            f"{machine.memory / (1 << 30):,.1f} GB"
        )
    if gpus * ranks > machine.gpus:
        return f"--gpus {gpus}{each} is more than its {counted(machine.gpus, 'GPU')}"
    return ""


def _check_words(wants: Wants, cluster: Cluster, nodes: Sequence[Node]) -> None:
    """A profile or a label that no node has is a slip of the pen."""
    profiles = {node.profile for node in nodes if node.profile} | {ANY}
    labels = {label for node in nodes for label in node.labels}
    for profile, _ in wants.nodes:
        if profile not in profiles:
            raise InvalidRequest(
                f"no node of cluster '{cluster.name}' has the profile '{profile}'",
                did_you_mean(profile, profiles),
            )
    for label in sorted(wants.labels - labels):
        raise InvalidRequest(
            f"no node of cluster '{cluster.name}' has the label '{label}'",
            did_you_mean(label, labels, "see: nodes list"),
        )


def room_of(node: Node) -> Room:
    """A node as the queue sees it."""
    return Room(
        node.name,
        node.slots,
        node.profile,
        frozenset(node.labels),
        frozenset(node.tenants),
        node.memory_bytes or float("inf"),
        node.gpus,
    )
