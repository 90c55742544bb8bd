"""Orders: what a job's processes read before they begin, written into its folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from aimass_jupyter.contract.jobs import Job, JobSpec
from aimass_jupyter.host import make_durable, write_record
from aimass_server.jobs.laying_out import lay_out_checkpoints, lay_out_code
from aimass_server.jobs.notes import begin_notes
from aimass_server.jobs.picture import MACHINE
from aimass_server.jobs.pools import Pools
from aimass_server.jobs.returning import seconds_run
from aimass_server.programs import Program

GRACE_SECONDS = 5.0
NODES_GRACE_SECONDS = 12.0  # each node has as long as this machine, and its answer has a way to go

_SPEC_FIELDS = {
    "id", "name", "kind", "engine", "np", "algorithm", "params", "seed", "options", "source",
    "input",
}  # fmt: skip


class Orders:
    """Writes the orders of jobs.

    Parameters
    ----------
    folder
        ``<data>/jobs``
    path_of
        Where the bytes of a digest are.
    log_bytes
        How long each of a job's logs may grow.
    """

    def __init__(
        self,
        folder: Path,
        pools: Pools,
        python: str,
        path_of: Callable[[str], Path],
        log_bytes: int,
    ) -> None:
        self._log_bytes = log_bytes
        self._folder = folder
        self._pools = pools
        self._python = python
        self._path_of = path_of

    def program_of(self, job: Job) -> Program:
        """The job's program, in its folder."""
        return Program(self._folder / job.id, f"AIMASS_JOB_ID={job.id}")

    def spec(self, job: Job, digest: str, label: str) -> JobSpec:
        """What the job's processes read."""
        return JobSpec(
            **job.model_dump(include=_SPEC_FIELDS),
            dataset=job.dataset,
            dataset_digest=digest,
            label=label,
            python=self._python,
            dataset_path=str(self._path_of(digest)) if digest else "",
            input_path=str(self._path_of(job.input.digest)) if job.input else "",
            places=[
                place.model_copy(update={"devices": job.devices.get(place.node)})
                for place in self._pools.reach(job)
            ],
            devices=job.devices.get(MACHINE),
        )

    def write(self, job: Job, spec: JobSpec) -> None:
        """Lay the job's folder out; blocks on the disk.

        Orders need not survive a power cut before the supervisor's first record does: without that,
        the job is started anew, and its orders are written again. :meth:`settle` has them survive.
        """
        program = self.program_of(job)
        folder = program.folder
        folder.mkdir(mode=0o700, exist_ok=True)
        if job.source is not None:
            lay_out_code(folder, self._path_of(job.source.digest))
        if job.resume and job.rerun_of:
            lay_out_checkpoints(folder, self._folder / job.rerun_of)
        begin_notes(folder, job)
        write_record(folder / "spec.json", spec.model_dump(mode="json"), durable=False)
        grace = NODES_GRACE_SECONDS if job.places else GRACE_SECONDS
        order = {"kind": "job", "grace_seconds": grace, "log_bytes": self._log_bytes}
        if (most := job.options.max_time) is not None:
            order["most_seconds"] = max(1.0, most - seconds_run(job))
        program.order(order, durable=False)

    def settle(self, job: Job) -> None:
        """Make the orders durable, once nobody waits for them any more; blocks on the disk."""
        folder = self.program_of(job).folder
        with contextlib.suppress(OSError):  # they are gone with the folder, or the disk is broken
            make_durable(folder / "spec.json", folder / "launch.json")
