"""What a job was made from, and the files that it left."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aimass_jupyter.contract.base import Resource, UtcTime, argument
from aimass_jupyter.contract.job_options import Engine
from aimass_jupyter.contract.jobs import JobRef, Source


class Packages(Resource):
    """The environment that a job ran in: its packages with their versions, under one digest."""

    digest: str
    python: str
    packages: dict[str, str]


class CodeItem(Resource):
    """One thing that travelled with own code."""

    name: str
    kind: str
    size_bytes: int = 0
    origin: str = ""


class Commit(Resource):
    """The git commit that own code lay under, and what was changed since."""

    commit: str
    branch: str = ""
    changed: list[str] = Field(default_factory=list, description="As git status tells it.")
    diff: str = Field("", description="Of the files that git tracks.")
    note: str = ""


class JobInputs(Resource):
    """All that a job was made from."""

    job: str
    algorithm: str
    dataset: str
    dataset_digest: str
    label: str
    params: dict[str, Any]
    seed: int
    np: int
    engine: Engine
    source: Source | None = None
    code: str = Field("", description="The text of the cell, function or script that it ran.")
    items: list[CodeItem] = Field(default_factory=list, description="What travelled with it.")
    repository: Commit | None = None
    environment: Packages | None = Field(None, description="None while it has not begun.")


class Artifact(Resource):
    """A file that a job's own code left in its work folder."""

    path: str
    size_bytes: int
    modified_at: UtcTime


class Artifacts(Resource):
    """The files that a job left."""

    items: list[Artifact]


class JobDownload(JobRef):
    path: str = argument(
        help="The file, as jobs artifacts lists it.", positional=True, min_length=1, max_length=1024
    )


class ArtifactContent(Resource):
    """Stands for the bytes of a file that a job left."""
