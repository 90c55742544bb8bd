"""The way into the queue, the same for every kind of job: one transaction, then a wake-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aimass_jupyter.contract.clusters import Node
from aimass_jupyter.contract.errors import Busy, InvalidRequest, NotFound
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.quantities import counted
from aimass_server.access import Call
from aimass_server.jobs.pools import room_of, too_large_for
from aimass_server.jobs.submission import Submission
from aimass_server.store import Connection, Store, digests, idempotency, jobs, models

_PATIENCE_SECONDS = 30.0


class Entrance:
    """Queues jobs that were found fit to run.

    Parameters
    ----------
    wake
        Has the queue looked at now.
    machine
        This machine, with all that it has.
    most_waiting, most_slots
        Jobs of one user that may wait at once, and slots that they may hold; 0 is no limit.
    """

    def __init__(
        self,
        store: Store,
        wake: Callable[[], None],
        machine: Callable[[], Node],
        most_waiting: int,
        most_slots: int,
    ) -> None:
        self._store = store
        self._wake = wake
        self._machine = machine
        self._most_waiting = most_waiting
        self._most_slots = most_slots

    async def enter(self, call: Call, submission: Submission) -> Job:
        """Queue a job. It is durable when this returns, and starts without being asked again."""
        self._require_a_chance(submission.job)
        if submission.job.kind == "training":
            await self._require_model_owner(call, submission.job.name)
        submission = await self._with_ids(call, submission)
        job = await self._store.write(lambda c: _insert(c, call, submission, self._most_waiting))
        self._wake()
        return job

    def _require_a_chance(self, job: Job) -> None:
        """Refuse what no wait would bring about."""
        deadline = job.options.deadline
        if deadline is not None and deadline <= utc_now():
            raise InvalidRequest(
                f"--deadline {deadline:%Y-%m-%d %H:%M} UTC has passed",
                "give one that is ahead: 8h (from now), or 2030-01-31T18:00Z",
            )
        if not job.cluster_id and (larger := too_large_for(room_of(self._machine()), job)):
            raise InvalidRequest(
                f"this machine never has room for it: {larger}",
                "take less, or a cluster with larger nodes",
            )
        least = min(job.np, job.options.min_np or job.np) * job.slots_each
        if self._most_slots and least > self._most_slots:
            raise InvalidRequest(
                f"it needs {counted(least, 'slot')}, a user may hold {self._most_slots} at once",
                "take fewer --np or --slots, or have AimassApp.slots_per_user raised",
            )

    async def _require_model_owner(self, call: Call, name: str) -> None:
        """A job adds a version to the model of its name: that must be one's own."""
        await self._store.read(lambda c: models.require_owner(c, name, call.user, call.tenant))

    async def _with_ids(self, call: Call, submission: Submission) -> Submission:
        """The submission with the jobs that it waits for by their ids."""
        job = submission.job
        ids = [await self._id_of(call, reference) for reference in job.options.after]
        options = job.options.model_copy(update={"after": ids})
        return replace(submission, job=job.model_copy(update={"options": options}))

    async def _id_of(self, call: Call, reference: str) -> str:
        return (await self._store.read(lambda c: jobs.get(c, reference, call.tenant))).id


def _insert(connection: Connection, call: Call, submission: Submission, most: int) -> Job:
    """Job row, event and idempotency key in one transaction."""
    job = submission.job
    key = (call.idempotency_key or "", call.user, call.tenant, call.operation, call.request_digest)
    if call.idempotency_key and (known := idempotency.recall(connection, *key)):
        return Job.model_validate(known)
    _require_inputs(connection, submission)
    if most and jobs.waiting_of(connection, call.tenant, call.user) >= most:
        raise Busy(
            f"{call.user} has {most:,} jobs in the queue, and may not have more",
            "wait until some have run, or stop those that are not needed: jobs stop JOB",
            retry_after=_PATIENCE_SECONDS,
        )
    jobs.insert(connection, job, submission.dataset_digest, submission.label)
    if call.idempotency_key:
        idempotency.remember(connection, *key, job.model_dump(mode="json"))
    return job


def _require_inputs(connection: Connection, submission: Submission) -> None:
    """What the job reads is still there; from now on its row keeps it."""
    job = submission.job
    if job.dataset and not digests.is_used(connection, submission.dataset_digest):
        raise NotFound(f"dataset '{job.dataset}' was deleted just now", "see: datasets list")
    if job.input and not digests.is_used(connection, job.input.digest):
        raise NotFound(f"'{job.input.name}' was deleted just now", "name it again")
