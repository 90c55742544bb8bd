"""Turns queued jobs into running ones and running ones into ended ones.

One pass (:meth:`Runner._pass`) compares every unfinished job with what its folder says and does the
next step; it runs when something was submitted or ended, and every few seconds besides. Each step
may be done twice without harm: the supervisor's lock and the compare-and-set of states decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from aimass_jupyter.contract.errors import AimassError, Conflict
from aimass_jupyter.contract.jobs import Cause, Job
from aimass_jupyter.host import write_notice
from aimass_server.events import Feed
from aimass_server.jobs.endings import Endings
from aimass_server.jobs.following import Follower
from aimass_server.jobs.hosts import Hosts
from aimass_server.jobs.ledger import Quotas
from aimass_server.jobs.orders import Orders
from aimass_server.jobs.picture import Limits
from aimass_server.jobs.pools import Pools
from aimass_server.jobs.preemption import Policy, reason
from aimass_server.jobs.remarks import late_remark
from aimass_server.jobs.results import Results
from aimass_server.jobs.returning import read_attempts, stopped_by_person
from aimass_server.jobs.scheduler import Scheduler
from aimass_server.jobs.starting import START_SECONDS, Starts
from aimass_server.jobs.supervisors import SupervisorWatch
from aimass_server.jobs.telling import Telling
from aimass_server.programs import Program, Warm
from aimass_server.store import Store, job_notes, jobs

PASS_SECONDS = 2.0
SCHEDULE_SECONDS = 30.0
LONGEST_REST_SECONDS = 0.1

logger = logging.getLogger("aimass.jobs")


class Runner:
    """Starts, watches and ends jobs.

    Parameters
    ----------
    folder
        ``<data>/jobs``
    results
        Takes in what jobs give.
    path_of
        Where the bytes of a digest are.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        follower: Follower,
        folder: Path,
        limits: Limits,
        pools: Pools,
        python: str,
        results: Results,
        path_of: Callable[[str], Path],
        warm: Warm,
        policy: Policy,
        quotas: Quotas,
        log_bytes: int,
    ) -> None:
        self._store = store
        self._folder = folder
        self.telling = Telling(store, feed, follower, self.folder_of)
        self.scheduler = Scheduler(
            store,
            limits,
            pools,
            lambda job_id: self.telling.progress_of(job_id).eta_seconds,
            lambda job, now: policy.stake(job, self.folder_of(job.id), now),
            quotas,
        )
        self._orders = Orders(folder, pools, python, path_of, log_bytes)
        self._supervisors = SupervisorWatch(self.wake)
        self._hosts = Hosts(store, pools, folder, limits.slots_of_user)
        self._warm = warm
        self._endings = Endings(
            store, follower, self.telling, self.scheduler, results, self._forget
        )  # fmt: skip
        self._starts = Starts(
            store,
            self._orders,
            warm,
            python,
            self._guarded,
            self._endings.fail_unstarted,
            self.wake,
        )
        self._woken = asyncio.Event()
        self._schedule_by = 0.0
        self._rest_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to look after jobs, also those that ran on while no control plane did."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tasks = [
            asyncio.create_task(self._look_after(), name="aimass-jobs"),
            asyncio.create_task(self.telling.run(), name="aimass-progress"),
        ]

    async def close(self) -> None:
        """Stop looking after jobs; they go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._starts.close()
        await self._hosts.close()
        self._supervisors.close()

    def wake(self) -> None:
        """Do a pass now."""
        self._woken.set()

    def folder_of(self, job_id: str) -> Path:
        """A job's folder."""
        return self._folder / job_id

    async def stop(self, job: Job, by: str) -> Job:
        """Stop a job; one that has ended stays as it is."""
        if job.final:
            return job
        stopped = Cause(code="stopped", message=f"stopped by {by}")
        try:
            if job.state == "queued":
                if self.folder_of(job.id).exists():  # a start that was cut off may come yet
                    await asyncio.to_thread(self._orders.program_of(job).request_stop, by)
                return await self._endings.end(job, "stopped", stopped, allowed=("queued",))
            await asyncio.to_thread(self._orders.program_of(job).note_stop, by)
            job = await self._store.write(
                lambda c: jobs.move(c, job.id, ("starting", "running", "stopping"), "stopping")
            )
        except Conflict:  # it moved on meanwhile: look again
            return await self.stop(await self._store.read(lambda c: jobs.by_id(c, job.id)), by)
        await asyncio.to_thread(self._orders.program_of(job).request_stop, by)
        now = await self._store.read(lambda c: jobs.by_id(c, job.id))
        return await self.stop(now, by) if now.state == "queued" else job

    async def _look_after(self) -> None:
        while True:
            try:
                await self._pass()
            except AimassError as error:  # a full disk, a busy database: the next pass tries again
                logger.warning("jobs could not be looked after just now: %s", error)
                await asyncio.sleep(PASS_SECONDS)  # also if woken: it would not go well at once
            except Exception:  # the others must not wait for ever because of this
                logger.exception("jobs could not be looked after just now")
                await asyncio.sleep(PASS_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), PASS_SECONDS)
            await asyncio.sleep(self._rest_until - time.monotonic())

    async def _pass(self) -> None:
        """Bring every job that runs in line with its folder, then start what fits."""
        holding = await self._store.read(jobs.holding_slots)
        calm = await asyncio.to_thread(self._calm, holding)
        for job in holding:
            await self._guarded(job, self._hosts.look if job.id in calm else self._repair)
        if self._woken.is_set() or time.monotonic() > self._schedule_by:
            self._woken.clear()
            await self._schedule()

    async def _schedule(self) -> None:
        self._schedule_by = 0.0  # should it fail, the next pass does it again
        began = time.monotonic()
        agenda = await self.scheduler.look()
        now = time.monotonic()
        # thousands that wait take a while to look at: between two looks, requests are answered
        self._rest_until = now + min(2 * (now - began), LONGEST_REST_SECONDS)
        for job, cause in agenda.hopeless:
            await self._guarded(job, partial(self._end_waiting, cause=cause))
        for job in agenda.starts:
            await self._guarded(job, self._starts.start)
        for job, pressing in agenda.stops:
            await self._guarded(job, partial(self._make_room, pressing=pressing))
        for job in agenda.late:
            await self._guarded(job, self._note_late)
        if agenda.starts:
            self._endings.warm = None
        elif ended := self._endings.warm:  # there is nothing better to do: the next may be like it
            self._warm.prepare(ended.engine, ended.np)
            self._endings.warm = None
        self._schedule_by = time.monotonic() + min(SCHEDULE_SECONDS, agenda.again)

    async def _make_room(self, job: Job, pressing: Job) -> None:
        """Have a running job make room for another."""
        await self.send_back(job, reason(pressing, job.tenant))

    async def send_back(self, job: Job, why: str) -> None:
        """Have a job that runs end with its state kept; it is queued again when it has."""
        program = self._orders.program_of(job)
        await asyncio.to_thread(program.ask_to_leave, "the queue", "preempted", why)
        if await asyncio.to_thread(stopped_by_person, program.folder):
            return
        await self._store.write(lambda c: jobs.move(c, job.id, ("starting", "running"), "stopping"))

    async def _note_late(self, job: Job) -> None:
        """Say that its deadline has passed, where it is seen; it runs all the same."""
        text = late_remark(job)
        if job.state == "queued":
            said = [*job.warnings, text]
            await self._store.write(lambda c: job_notes.note(c, job, job.restarts, said))
            self.scheduler.forget(job.id)
        else:
            await asyncio.to_thread(write_notice, self.folder_of(job.id), "deadline", text)
            await self.telling.note_course(job)

    async def _end_waiting(self, job: Job, cause: Cause) -> None:
        await self._endings.end(job, "failed", cause, allowed=("queued",))

    async def _guarded(self, job: Job, step: Callable[[Job], Awaitable[None]]) -> None:
        """Do a step for one job; its fault is logged and keeps no other job waiting."""
        try:
            await step(job)
        except Conflict as moved:  # somebody stopped it meanwhile, say
            logger.info("job %s: %s", job.id, moved)
        except AimassError:
            raise  # store trouble concerns all of them: the next pass tries again
        except Exception:
            logger.exception("job %s could not be looked after", job.id)

    def _calm(self, holding: list[Job]) -> set[str]:
        """Those that run, are waited for, and whose folders say the same; blocks on the disk."""
        known = [job for job in holding if job.state == "running" and job.id in self._supervisors]
        return {job.id for job in known if self._orders.program_of(job).state() == "alive"}

    async def _repair(self, job: Job) -> None:
        """Bring a job's row in line with what its folder says."""
        program = self._orders.program_of(job)
        state = await asyncio.to_thread(program.state, self._starts.due(job.id))
        if state == "alive":
            await self._note_alive(job, program)
        elif state == "ended":
            if job.state == "starting" and program.identity is not None:
                await self._starts.note_started(job, program)  # it ran, if only between two looks
            await self._endings.note_ended(job, program)
        elif state == "lost":
            await self._endings.note_lost(job, program)
        elif state == "absent":
            await self._note_absent(job, program)

    async def _note_alive(self, job: Job, program: Program) -> None:
        self._supervisors.add(job.id, program.identity)
        if job.state == "starting":
            await self._starts.note_started(job, program)
        elif job.state == "stopping" and not (program.folder / "stop.json").exists():
            await asyncio.to_thread(program.request_stop, job.owner)
        await self._hosts.look(job)

    async def _note_absent(self, job: Job, program: Program) -> None:
        """No supervisor took the folder: start it again once, as after a crash before the start."""
        attempts = await asyncio.to_thread(read_attempts, program.folder)
        if len(attempts) > len(job.attempts):  # it was about to be queued again
            await self._endings.queue_again(job, attempts)
        elif self._starts.due(job.id) is not None:
            await asyncio.to_thread(program.request_stop, "control plane")  # it may come yet
            log = program.folder / "log" / "supervisor.log"
            tail = log.read_text(errors="replace").splitlines()[-20:] if log.exists() else []
            message = f"the supervisor did not start within {START_SECONDS:.0f} s"
            cause = Cause(code="not-started", message=message, last_lines=tail)
            await self._endings.end(job, "failed", cause)
        elif job.state == "stopping":
            by = await asyncio.to_thread(stopped_by_person, program.folder) or job.owner
            await asyncio.to_thread(program.request_stop, by)
            stopped = Cause(code="stopped", message=f"stopped by {by} before it ran")
            await self._endings.end(job, "stopped", stopped)
        else:
            await self._store.write(
                lambda c: jobs.move(c, job.id, ("starting", "running"), "queued")
            )
            self.wake()

    def _forget(self, job_id: str) -> None:
        """No process belongs to it any more: its slots are free."""
        self._supervisors.remove(job_id)
        self._starts.forget(job_id)
        self.wake()
