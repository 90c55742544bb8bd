"""What a job was made from: read from its row, its archive and its folder; and what differs now."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.job_inputs import CodeItem, Commit, JobInputs, Packages
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import installed_packages, read_record
from aimass_jupyter.source.archive import read_manifest
from aimass_jupyter.source.manifest import CODE, DIFF

ENVIRONMENT = "environment.json"
MAX_SHOWN_BYTES = 200_000
_MOST_NAMED = 8


def read_inputs(
    job: Job, dataset_digest: str, label: str, folder: Path, archive: Path | None
) -> JobInputs:
    """All that is kept of what a job was made from; blocks on the disk."""
    return JobInputs(
        job=job.id,
        algorithm=job.algorithm,
        dataset=job.dataset,
        dataset_digest=dataset_digest,
        label=label,
        params=job.params,
        seed=job.seed,
        np=job.np,
        engine=job.engine,
        source=job.source,
        environment=environment_of(folder),
        **(_code(archive) if archive else {}),
    )


def _code(archive: Path) -> dict[str, Any]:
    manifest = read_manifest(archive)
    with zipfile.ZipFile(archive) as members:
        code = _text(members, f"{CODE}/{manifest.entry}")
        diff = _text(members, DIFF) if manifest.repository else ""
    items = [CodeItem.model_validate(item.model_dump()) for item in manifest.items]
    found: dict[str, Any] = {"code": code, "items": items}
    if repository := manifest.repository:
        fields = repository.model_dump(exclude={"diff_bytes"})
        found["repository"] = Commit(**fields, diff=diff)
    return found


def _text(members: zipfile.ZipFile, name: str) -> str:
    if name not in members.namelist():
        return ""
    with members.open(name) as file:
        return file.read(MAX_SHOWN_BYTES).decode(errors="replace")


def environment_of(folder: Path) -> Packages | None:
    """The environment that a job ran in; None when it never began."""
    record = read_record(folder / ENVIRONMENT)
    return Packages.model_validate(record) if record else None


def environment_differences(folder: Path) -> list[str]:
    """How the environment differs from the one that a job ran in, in a line or none."""
    before = environment_of(folder)
    if before is None:
        return ["in which environment it ran is not known any more"]
    now = Packages.model_validate(installed_packages())
    if now.digest == before.digest:
        return []
    names = sorted(before.packages.keys() | now.packages.keys())
    told = [
        f"{name} {before.packages.get(name, 'absent')} → {now.packages.get(name, 'absent')}"
        for name in names
        if before.packages.get(name) != now.packages.get(name)
    ]
    if before.python != now.python:
        told.insert(0, f"Python {before.python} → {now.python}")
    more = f", and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return [f"the environment differs: {', '.join(told[:_MOST_NAMED])}{more}"]
