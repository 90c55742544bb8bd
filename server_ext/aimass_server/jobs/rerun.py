"""Running a job again: from its row to the request that would make it anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job, JobCreate, JobRerun
from aimass_jupyter.host import read_record
from aimass_jupyter.source.archive import read_manifest
from aimass_server.jobs.code import Code
from aimass_server.jobs.inputs import environment_differences

CHECKPOINTS = "checkpoints"
CHOSEN = "chosen.json"


def request_again(
    job: Job, label: str, request: JobRerun, measured: Mapping[str, Any]
) -> JobCreate:
    """The request for a job like this one, with what is to differ.

    ``measured`` is what it chose by measuring: another measurement could choose otherwise.
    """
    np = request.np or job.np
    kept = "auto" if job.engine == "single" and np > 1 else job.engine
    options = job.options.model_dump() | {"after": [], "deadline": None}
    own = job.source is not None
    return JobCreate(
        dataset=job.dataset or None,
        algorithm=None if own else job.algorithm,
        name=request.name or job.name,
        np=np,
        engine=request.engine or kept,
        label=label or None,
        seed=job.seed if request.seed is None else request.seed,
        params={**job.params, **measured, **request.params},
        arguments=job.source.arguments if job.source else [],
        **{name: value for name, value in options.items() if name in JobCreate.model_fields},
    )


def measured_params(job: Job, folder: Path) -> dict[str, Any]:
    """What a job was to choose, and chose, by measuring; blocks on the disk."""
    record = read_record(folder / CHOSEN) or {}
    open_ones = {} if job.source is not None else job.params
    return {name: chosen for name, chosen in record.items() if open_ones.get(name) == "auto"}


def kept_code(job: Job, archive: Path) -> Code:
    """The code that a job ran, from its kept archive; blocks on the disk."""
    assert job.source is not None  # it is asked for own code alone
    return Code(job.source, read_manifest(archive))


def differences(job: Job, folder: Path, digest: str, dataset: Dataset | None) -> list[str]:
    """Which inputs are other ones than the job had, in words; blocks on the disk."""
    told = [f"runs job {job.id} again: {line}" for line in environment_differences(folder)]
    if dataset is not None and dataset.latest.digest != digest:
        told.append(
            f"runs job {job.id} again: dataset '{job.dataset}' holds other rows than it did then"
        )
    return told


def require_checkpoint(job: Job, folder: Path) -> None:
    """Refuse to go on from nothing.

    Raises
    ------
    InvalidRequest
        When the job left no checkpoint.
    """
    if not any((folder / CHECKPOINTS).glob("*.safetensors")):
        raise InvalidRequest(
            f"job '{job.name}' left no checkpoint to begin from", "run it again without --resume"
        )
