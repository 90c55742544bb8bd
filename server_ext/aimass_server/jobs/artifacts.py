"""The files that a job's own code left in its work folder: listed, and handed out by that list.

The code itself lies there too. It is none of them: ``inputs`` shows it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from aimass_jupyter.contract.errors import NotFound, did_you_mean
from aimass_jupyter.contract.job_inputs import Artifact
from aimass_jupyter.source.manifest import MANIFEST, Manifest

SOURCE, WORK = "source", "work"
MAX_ARTIFACTS = 5000


def find_artifacts(folder: Path) -> list[Artifact]:
    """The regular files below a job's work folder; links are passed over. Blocks on the disk."""
    work = folder / WORK
    found = [_artifact(path, work) for path in _left(folder)]
    return sorted(found, key=lambda artifact: artifact.path)


def path_of(folder: Path, name: str) -> Path:
    """Where a listed file lies.

    Raises
    ------
    NotFound
        When the list has none of that name: a path is never made of what was asked for.
    """
    work = folder / WORK
    known = {path.relative_to(work).as_posix(): path for path in _left(folder)}
    if name in known:
        return known[name]
    raise NotFound(
        f"the job left no file '{name[:200]}'", did_you_mean(name, known, "see: jobs artifacts")
    )


def _left(folder: Path) -> Iterator[Path]:
    code = _code_of(folder / SOURCE / MANIFEST)
    for path in _files(folder / WORK):
        if path.relative_to(folder / WORK).as_posix() not in code:
            yield path


def _code_of(manifest: Path) -> set[str]:
    """The names that own code lies under; none where a job has no code of its own."""
    try:
        told = Manifest.model_validate_json(manifest.read_bytes())
    except (OSError, ValidationError):  # none, or own code has written over it
        return set()
    return {told.entry} | {item.name for item in told.items if item.kind == "module"}


def _files(work: Path) -> Iterator[Path]:
    count = 0
    for place, folders, names in os.walk(work, followlinks=False):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(place, name)
            if stat.S_ISREG(path.lstat().st_mode) and (count := count + 1) <= MAX_ARTIFACTS:
                yield path


def _artifact(path: Path, work: Path) -> Artifact:
    status = path.stat()
    return Artifact(
        path=path.relative_to(work).as_posix(),
        size_bytes=status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )
