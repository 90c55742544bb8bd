"""Clusters, nodes and their use as rows of text."""

from __future__ import annotations

from aimass_jupyter.client.views import size
from aimass_jupyter.contract.clusters import Cluster, ClusterUsage, Faults, JobUse, Node, NodeUsage
from aimass_jupyter.contract.quantities import counted


def listed(item: Cluster | Node) -> dict[str, str]:
    """One row of a listing."""
    if isinstance(item, Cluster):
        return {
            "cluster": item.name,
            "kind": item.kind,
            "state": item.state,
            "nodes": str(item.nodes),
            "slots used": f"{item.slots_used:g} of {item.slots}",
            "owner": item.owner,
        }
    return {
        "node": item.name,
        "state": f"{item.state}: {item.reason}" if item.reason else item.state,
        "slots used": f"{item.slots_used:g} of {item.slots}",
        "profile": item.profile,
        "labels": ", ".join(item.labels),
        "memory": size(item.memory_bytes) if item.memory_bytes else "",
        "GPUs": str(item.gpus) if item.gpus else "",
        "address": item.address,
    }


def rows(answer: ClusterUsage | NodeUsage | Faults) -> list[tuple[str, str]]:
    """One answer as names and values."""
    if isinstance(answer, Faults):
        told = [(f"node {f.node}", f"{f.check}: {f.message}") for f in answer.items]
        return told or [("all is well", f"{counted(answer.nodes, 'node')} looked at")]
    if isinstance(answer, ClusterUsage):
        head = [("cluster", answer.cluster), ("slots", f"{answer.slots_used:g} of {answer.slots}")]
        nodes = [(f"node {node.node}", _use(node)) for node in answer.nodes]
        return [*head, *nodes, *map(_job, answer.jobs)]
    head = [("node", answer.node), ("state", answer.state), ("use", _use(answer))]
    return [*head, *map(_job, answer.jobs), ("history", f"{len(answer.history)} samples")]


def _use(usage: NodeUsage) -> str:
    now = usage.now
    if now is None:
        return f"{usage.state}, nothing is known yet"
    received, sent = (
        size(round(rate)) for rate in (now.received_bytes_per_second, now.sent_bytes_per_second)
    )
    told = [
        f"CPU {now.cpu_percent:.0f}% of {usage.cpus}",
        f"memory {size(now.memory_bytes)} ({now.memory_percent:.0f}%)",
        f"disk {now.disk_percent:.0f}%",
        f"network {received}/s in, {sent}/s out",
    ]
    if now.gpu_percent is not None:
        told.append(f"GPU {now.gpu_percent:.0f}%")
    return f"{usage.state}, {', '.join(told)}"


def _job(use: JobUse) -> tuple[str, str]:
    who = f"{use.name} of {use.owner}" if use.owner else use.name
    processes = counted(use.processes, "process", "processes")
    told = f"CPU {use.cpu_percent:.0f}%, {size(use.memory_bytes)}, {processes}"
    return f"on {use.node}", f"{who}: {told}"
