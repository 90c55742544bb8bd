"""What is short for a job that finds no room, in words. Nothing is decided here."""

from __future__ import annotations

from aimass_jupyter.contract.quantities import counted
from aimass_server.jobs.picture import Amount, Free, Limits, Waiting, ranks_free
from aimass_server.jobs.placement import ANY, Room


def too_few(job: Waiting, free: Free, limits: Limits) -> str:
    """What a job needs, and how much of it is free."""
    suited = [room for room in limits.rooms if job.wants.could_take(room, job.user[0])]
    left = [free[room.name] for room in suited]
    slots = sum(max(0.0, amount.slots) for amount in left)
    told = f"needs {counted(job.slots, 'slot')}{_on_which(job)}"
    if not suited:
        return f"{told}; none of the nodes that are ready suits it"
    told += f"; {_are_free(slots)} for it" if limits.nodes else f", {_are_free(slots)}"
    more = _beside_slots(job, left)
    if not more and slots >= job.slots:
        more = _in_pieces(job, suited, free)
    return told + more


def _on_which(job: Waiting) -> str:
    """The nodes that it asked for."""
    labels = f", each with {', '.join(sorted(job.wants.labels))}" if job.wants.labels else ""
    asked = [_nodes(profile, count) for profile, count in job.wants.nodes]
    where = f" on {' and '.join(asked)}" if asked else " on nodes" if labels else ""
    return where + labels


def _nodes(profile: str, count: int) -> str:
    of = "" if profile == ANY else f" of profile '{profile}'"
    return counted(count, "node") + of


def _beside_slots(job: Waiting, left: list[Amount]) -> str:
    """Memory and GPUs that are short."""
    told = ""
    memory = [max(0.0, amount.memory) for amount in left]
    need, most = job.each.memory, max(memory, default=0.0)
    if need and sum(int(size // need) for size in memory) < job.least:
        told += f"; each rank needs {_gigabytes(need)} of memory, "
        told += f"{_gigabytes(most)} are free" + (" on one node" if len(left) > 1 else "")
    gpus = sum(max(0.0, amount.gpus) for amount in left)
    if job.each.gpus * job.least > gpus:
        told += f"; needs {counted(job.each.gpus * job.least, 'GPU')}, {_are_free(gpus)}"
    return told


def _in_pieces(job: Waiting, suited: list[Room], free: Free) -> str:
    """That there is enough of all, and yet not where it is needed."""
    ranks = ranks_free({room.name: free[room.name] for room in suited}, job.each)
    fitting = sum(ranks.values())
    if fitting < job.least:
        return f", in pieces that hold {fitting} of its {counted(job.least, 'rank')}"
    having = sum(1 for count in ranks.values() if count)
    return f", on {counted(having, 'node')}" if job.wants.nodes else ""


def _are_free(number: float) -> str:
    return f"{number:g} {'is' if number == 1 else 'are'} free"


def _gigabytes(size: float) -> str:
    return f"{size / (1 << 30):.3g} GB"
