"""Clusters, their nodes, and their use."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, listed, rows
from aimass_jupyter.client.views.words import memory, size
from aimass_jupyter.contract.clusters import Cluster, ClusterUsage, Faults, JobUse, Node, NodeUsage
from aimass_jupyter.contract.quantities import counted


@listed.register
def _listed(item: Cluster) -> dict[str, str]:
    return {
        "cluster": item.name,
        "kind": item.kind,
        "state": item.state,
        "nodes": str(item.nodes),
        "slots used": f"{item.slots_used:g} of {item.slots}",
        "owner": item.owner,
    }


@listed.register
def _node(item: Node) -> dict[str, str]:
    return {
        "node": item.name,
        "state": f"{item.state}: {item.reason}" if item.reason else item.state,
        "slots used": f"{item.slots_used:g} of {item.slots}",
        "profile": item.profile,
        "labels": ", ".join(item.labels),
        "memory": memory(item.memory_bytes) if item.memory_bytes else "",
        "GPUs": str(item.gpus) if item.gpus else "",
        "address": item.address,
    }


@rows.register
def _faults(faults: Faults) -> Rows:
    told = [(f"node {f.node}", f"{f.check}: {f.message}") for f in faults.items]
    return told or [("all is well", f"{counted(faults.nodes, 'node')} looked at")]


@rows.register
def _usage(usage: ClusterUsage) -> Rows:
    head = [("cluster", usage.cluster), ("slots", f"{usage.slots_used:g} of {usage.slots}")]
    nodes = [(f"node {node.node}", _use(node)) for node in usage.nodes]
    return [*head, *nodes, *map(_job, usage.jobs)]


@rows.register
def _node_usage(usage: NodeUsage) -> Rows:
    head = [("node", usage.node), ("state", usage.state), ("use", _use(usage))]
    return [*head, *map(_job, usage.jobs), ("history", f"{len(usage.history)} samples")]


def _use(usage: NodeUsage) -> str:
    now = usage.now
    if now is None:
        return f"{usage.state}, nothing is known yet"
    received, sent = (
        size(round(rate)) for rate in (now.received_bytes_per_second, now.sent_bytes_per_second)
    )
    told = [
        f"CPU {now.cpu_percent:.0f}% of {usage.cpus}",
        f"memory {memory(now.memory_bytes)} ({now.memory_percent:.0f}%)",
        f"disk {now.disk_percent:.0f}%",
        f"network {received}/s in, {sent}/s out",
    ]
    if now.gpu_percent is not None:
        told.append(f"GPU {now.gpu_percent:.0f}%")
    return f"{usage.state}, {', '.join(told)}"


def _job(use: JobUse) -> tuple[str, str]:
    who = f"{use.name} of {use.owner}" if use.owner else use.name
    processes = counted(use.processes, "process", "processes")
    told = f"CPU {use.cpu_percent:.0f}%, {memory(use.memory_bytes)}, {processes}"
    return f"on {use.node}", f"{who}: {told}"
