"""Turns: in which order jobs wait.

Priority first; within it the tenant, then the user, that used least of the machine lately (fair
share); of one user's jobs those with a deadline ahead of them, the earliest first, then first come,
first served. A deadline is no way past others: each could give one to all their jobs.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from aimass_server.jobs.picture import User, Waiting


def in_order(
    waiting: Iterable[Waiting], used: Mapping[User, float], now: float = 0.0
) -> Iterator[Waiting]:
    """The jobs in the order of their turn; each turn counts as used by its user and tenant.

    A deadline that has passed counts no more.
    """
    queues: dict[int, dict[User, list[Waiting]]] = defaultdict(lambda: defaultdict(list))
    for job in waiting:
        queues[-job.priority][job.user].append(job)
    by_user = defaultdict(float, used)
    by_tenant: dict[str, float] = defaultdict(float)
    for (tenant, _), amount in used.items():
        by_tenant[tenant] += amount
    for level in sorted(queues):
        own = {user: _urgent_first(jobs, now) for user, jobs in queues[level].items()}
        yield from _fairly(own, by_user, by_tenant)


def _urgent_first(jobs: list[Waiting], now: float) -> list[Waiting]:
    """The jobs of one user as they come to their turn."""
    hurried = [job for job in jobs if job.deadline is not None and job.deadline > now]
    if not hurried:  # most of thousands
        return jobs
    ids = {job.id for job in hurried}
    hurried.sort(key=lambda job: (job.deadline or 0.0, job.id))
    return hurried + [job for job in jobs if job.id not in ids]


def _count(job: Waiting, by_user: dict[User, float], by_tenant: dict[str, float]) -> None:
    """Count a turn as used."""
    cost = job.slots * job.seconds
    by_user[job.user] += cost
    by_tenant[job.user[0]] += cost


def _fairly(
    users: dict[User, list[Waiting]], by_user: dict[User, float], by_tenant: dict[str, float]
) -> Iterator[Waiting]:
    """Take turns among the users of one priority, least used first."""
    places = dict.fromkeys(users, 0)
    turns = [(by_tenant[user[0]], by_user[user], jobs[0].id, user) for user, jobs in users.items()]
    heapq.heapify(turns)
    while turns:
        known, _, _, user = heapq.heappop(turns)
        job = users[user][places[user]]
        if known != by_tenant[user[0]]:  # another user of the tenant had a turn meanwhile
            heapq.heappush(turns, (by_tenant[user[0]], by_user[user], job.id, user))
            continue
        yield job
        _count(job, by_user, by_tenant)
        places[user] += 1
        if places[user] < len(users[user]):
            following = users[user][places[user]].id
            heapq.heappush(turns, (by_tenant[user[0]], by_user[user], following, user))
