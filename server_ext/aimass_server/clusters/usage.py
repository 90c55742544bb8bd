"""Use: what is used of a node, by whom; of other tenants' jobs only the sum."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_jupyter.contract.clusters import JobUse, Node, NodeUsage
from aimass_jupyter.contract.jobs import Job
from aimass_server.access import Call
from aimass_server.clusters.inventory import counted
from aimass_server.clusters.watch import Watch

_OTHERS = "jobs of other tenants"


def usage_of(
    call: Call, node: Node, watch: Watch, busy: Iterable[Job], *, history: bool
) -> NodeUsage:
    """What is used of a node, as the caller may see it."""
    busy = list(busy)
    return NodeUsage(
        node=node.name,
        cluster=node.cluster,
        state=counted(node, busy).state,
        cpus=watch.cpus,
        now=watch.now,
        jobs=job_uses(call, node, watch, busy),
        history=watch.history if history else [],
    )


def job_uses(call: Call, node: Node, watch: Watch, busy: Iterable[Job]) -> list[JobUse]:
    """Who uses a node: the caller's tenant job by job, all others as one."""
    known = {job.id: job for job in busy}
    mine: list[JobUse] = []
    others: list[JobUse] = []
    for marked, use in sorted(watch.jobs.items()):
        job = known.get(marked.partition(".")[0])
        if job is None:  # it has just ended, or is none
            continue
        own = job.tenant == call.tenant
        (mine if own else others).append(
            JobUse(
                job=job.id if own else "",
                name=job.name if own else _OTHERS,
                owner=job.owner if own else "",
                node=node.name,
                processes=int(use["processes"]),
                cpu_percent=use["cpu_percent"],
                memory_bytes=int(use["memory_bytes"]),
            )
        )
    return [*mine, *([_sum(others)] if others else [])]


def _sum(uses: list[JobUse]) -> JobUse:
    return uses[0].model_copy(
        update={
            "processes": sum(use.processes for use in uses),
            "cpu_percent": sum(use.cpu_percent for use in uses),
            "memory_bytes": sum(use.memory_bytes for use in uses),
        }
    )
