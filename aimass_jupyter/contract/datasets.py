"""Datasets: named, with immutable versions by content digest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.operation import Operation

ColumnKind = Literal["number", "category", "text", "identifier", "boolean", "time", "image"]

BUILTIN_DATASETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")


class Column(Resource):
    """One column of a dataset version."""

    name: str
    kind: ColumnKind
    type: str = Field(description="Arrow type, as text.")
    shape: list[int] | None = Field(
        None,
        description="Shape of one value: (channel, height, width) for an image; None for a scalar.",
    )
    missing: int = Field(0, description="Values that are missing.")
    distinct: int | None = Field(None, description="Distinct values, when there are at most 1,000.")
    minimum: float | None = None
    maximum: float | None = None
    words: float | None = Field(None, description="Words of a value, on average; None for others.")


class DatasetDescription(Resource):
    """What the importer found in the bytes; the control plane keeps it with the version."""

    rows: int
    columns: list[Column]
    label: str | None = Field(None, description="The column to learn, when one is known.")
    task: str | None = Field(None, description="classification or regression, from the label.")
    preview: list[dict[str, Any]] = Field(default_factory=list, description="The first rows.")
    source: str = Field(description="Where the bytes came from, in words.")


class DatasetVersion(DatasetDescription):
    """One immutable version."""

    version: int
    digest: str
    size_bytes: int
    job: str = Field("", description="Id of the job that imported it.")
    created_at: UtcTime


class Dataset(Resource):
    """A dataset with its newest version."""

    id: str
    name: str
    owner: str
    tenant: str
    description: str
    tags: list[str]
    created_at: UtcTime
    versions: int
    latest: DatasetVersion


class DatasetImport(Request):
    source: str = argument(
        help="A file (CSV, TSV, JSON Lines, Parquet, Arrow, NumPy .npz, ZIP of text files) or a "
        f"data set that ships with scikit-learn: {', '.join(BUILTIN_DATASETS)}.",
        positional=True,
        file=True,
        min_length=1,
        max_length=4096,
    )
    name: str | None = argument(
        None, help="Its name; by default that of the source.", pattern=NAME_PATTERN
    )
    label: str | None = argument(None, help="The column to learn.", max_length=256)
    description: str = argument("", help="What it is, in words.", max_length=4000)
    tags: list[str] = argument([], help="Words to find it by.", max_length=32)


class DatasetRef(Request):
    dataset: str = argument(
        help="Name, name@version or id.", positional=True, completes="datasets", max_length=128
    )


class DatasetList(PageRequest):
    search: str = argument("", help="Part of a name, a tag or the description.", max_length=128)


OPERATIONS = (
    Operation(
        name="datasets.import",
        method="POST",
        path="/datasets",
        request=DatasetImport,
        response=Dataset,
        permission="datasets:create",
        help="Import a file or a built-in data set as a new dataset version.",
        examples=("datasets import digits", "datasets import sales.csv --label churned"),
    ),
    Operation(
        name="datasets.list",
        method="GET",
        path="/datasets",
        short="datasets",
        request=DatasetList,
        response=Page[Dataset],
        permission="datasets:read",
        help="List the datasets.",
        examples=("datasets list", "datasets list --search sales"),
    ),
    Operation(
        name="datasets.show",
        method="GET",
        path="/datasets/{dataset}",
        request=DatasetRef,
        response=Dataset,
        permission="datasets:read",
        help="Show a dataset: columns, label, first rows.",
        examples=("datasets show digits",),
    ),
    Operation(
        name="datasets.delete",
        method="DELETE",
        path="/datasets/{dataset}",
        request=DatasetRef,
        response=Done,
        permission="datasets:delete",
        help="Delete a dataset, or one version of it, and free its bytes.",
        examples=("datasets delete sales", "datasets delete sales@2"),
    ),
)
