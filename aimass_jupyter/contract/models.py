"""Registered models: named, with versions and aliases; a version is one bundle file."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aimass_jupyter.contract.base import (
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.operation import Operation


class TensorSpec(Resource):
    """One input or output of a model, in the words of the Open Inference Protocol v2."""

    name: str
    datatype: str = Field(description="BOOL, INT64, FP32, FP64 or BYTES (text).")
    shape: list[int] = Field(description="-1 is the number of rows.")
    values: list[str] | None = Field(None, description="The classes or categories, when known.")


class Signature(Resource):
    """What goes in, what comes out, and an example of what goes in."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    example: dict[str, Any] = Field(description="One row: a value for each input.")


class ModelVersion(Resource):
    """One immutable version."""

    version: int
    digest: str
    size_bytes: int
    task: str
    algorithm: str
    metrics: dict[str, float | None]
    signature: Signature
    dataset: str = Field(description="name@version it was trained on.")
    job: str = Field(description="Id of the job that made it.")
    created_at: UtcTime


class Model(Resource):
    """A registered model with its newest version and its aliases."""

    id: str
    name: str
    owner: str
    tenant: str
    created_at: UtcTime
    versions: int
    aliases: dict[str, int] = Field(description="alias → version")
    latest: ModelVersion


class ModelDetail(Model):
    """A model with the version that was asked for."""

    selected: ModelVersion
    history: list[ModelVersion] = Field(description="All versions, newest first.")


class ModelList(PageRequest):
    search: str = argument("", help="Part of a name.", max_length=128)


class ModelRef(Request):
    model: str = argument(
        help="name, name@version, name@alias or id.",
        positional=True,
        completes="models",
        max_length=200,
    )


class ModelPromote(ModelRef):
    alias: str = argument(
        "production",
        help="The alias to give it; it begins with a letter, a number is a version.",
        pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$",
    )


class Bundle(Resource):
    """Stands for the bytes of a model version's bundle file."""


OPERATIONS = (
    Operation(
        name="models.list",
        method="GET",
        path="/models",
        short="models",
        request=ModelList,
        response=Page[Model],
        permission="models:read",
        help="List the registered models.",
        examples=("models list",),
    ),
    Operation(
        name="models.show",
        method="GET",
        path="/models/{model}",
        request=ModelRef,
        response=ModelDetail,
        permission="models:read",
        help="Show a model: versions, aliases, metrics, signature.",
        examples=("models show digits", "models show digits@production"),
    ),
    Operation(
        name="models.download",
        method="GET",
        path="/models/{model}/bundle",
        request=ModelRef,
        response=Bundle,
        permission="models:read",
        reply="bytes",
        help="Download the bundle of a model version.",
        examples=("models download digits@production --output digits.aimass",),
    ),
    Operation(
        name="models.promote",
        method="POST",
        path="/models/{model}/aliases",
        short="promote",
        request=ModelPromote,
        response=Model,
        permission="models:promote",
        help="Give a model version (by default the newest) an alias.",
        examples=("promote digits --alias production", "promote digits@3"),
    ),
    Operation(
        name="models.delete",
        method="DELETE",
        path="/models/{model}",
        request=ModelRef,
        response=Done,
        permission="models:delete",
        help="Delete a model, or one version of it, and free its bytes.",
        examples=("models delete digits@1",),
    ),
)
