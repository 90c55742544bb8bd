"""Requests for work without torch that goes through the queue: one model a kind."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from aimass_jupyter.contract.base import NAME_PATTERN, Request, argument
from aimass_jupyter.contract.datasets import DatasetImport
from aimass_jupyter.contract.job_kinds import WORK_SLOTS
from aimass_jupyter.contract.job_options import QueueOptions

TableFormat = Literal["csv", "parquet", "jsonl", "arrow"]
ModelFormat = Literal["bundle", "onnx", "safetensors"]
Format = Literal[TableFormat, ModelFormat]


class WorkOptions(QueueOptions):
    """How such work waits for its turn."""

    slots: float = argument(
        WORK_SLOTS, help="Slots that it takes, in halves.", ge=0.5, le=4096, multiple_of=0.5,
        group="Queue",
    )  # fmt: skip


class EvaluationWork(Request):
    """Which model is held against which rows."""

    model: str = argument(
        help="The model: name, name@version, name@alias or id.",
        positional=True,
        completes="models",
        max_length=200,
    )
    dataset: str = argument(
        help="The dataset to hold it against: name or name@version.",
        positional=True,
        completes="datasets",
        max_length=128,
    )
    name: str | None = argument(
        None, help="Name of the job; by default evaluate- and the model's.", pattern=NAME_PATTERN
    )
    label: str | None = argument(
        None, help="The column of the truths; by default the one it learnt.", max_length=256
    )


class JobEvaluate(WorkOptions, EvaluationWork):
    pass


class ExportWork(Request):
    """What is written into a file, and as what."""

    dataset: str | None = argument(
        None,
        help="The dataset to export: name or name@version.",
        positional=True,
        completes="datasets",
        max_length=128,
    )
    model: str | None = argument(
        None, help="The model to export instead.", completes="models", max_length=200
    )
    format: Format | None = argument(
        None,
        help="Of a dataset csv (the default), parquet, jsonl or arrow; "
        "of a model bundle (the default), onnx or safetensors.",
    )
    name: str | None = argument(
        None, help="Name of the job; by default export- and the thing's.", pattern=NAME_PATTERN
    )


class JobExport(WorkOptions, ExportWork):
    pass


class NotebookWork(Request):
    """Which notebook is executed, with what."""

    notebook: str = argument(
        help="The notebook (.ipynb).", positional=True, file=True, min_length=1, max_length=4096
    )
    name: str | None = argument(
        None, help="Name of the job; by default the notebook's.", pattern=NAME_PATTERN
    )
    params: dict[str, JsonValue] = argument(
        {}, help="Values for what its cell tagged 'parameters' sets; also as options: --year 2024."
    )


class JobExecute(WorkOptions, NotebookWork):
    pass


class JobImport(WorkOptions, DatasetImport):
    pass
