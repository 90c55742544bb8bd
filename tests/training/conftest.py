"""Datasets as jobs get them, and training in this process, on one rank."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.datasets import DatasetDescription
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data.importer import import_dataset
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.loop import train
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Rows, open_rows

MakeSpec = Callable[..., JobSpec]


@pytest.fixture(autouse=True)
def same_luck() -> None:
    """The numbers that a test draws do not depend on which tests were before it."""
    torch.manual_seed(0)
    np.random.seed(0)  # as libraries do that were not given a generator


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As each rank of several has: threads that wait for each other crawl on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Imports one of scikit-learn's data sets; gives the folder."""

    @cache
    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        (folder / "request.json").write_text(json.dumps({"source": {"builtin": name}}))
        import_dataset(folder)
        return folder

    return make


@pytest.fixture
def make_spec(dataset: Callable[[str], Path]) -> MakeSpec:
    """Makes the spec of a job on one rank."""

    def make(name: str, seed: int = 0, label: str | None = None, **params: Any) -> JobSpec:
        folder = dataset(name)
        found = DatasetDescription.model_validate_json((folder / "description.json").read_bytes())
        algorithm = found.task or "classification"
        return JobSpec(
            id="job_1", name=name, engine="single", np=1, algorithm=algorithm, seed=seed,
            params=hyperparameters_of(algorithm, params).model_dump(), dataset=f"{name}@1",
            dataset_digest="0" * 64, dataset_path=str(folder / "data.arrow"),
            label=(found.label or "") if label is None else label, python=sys.executable,
        )  # fmt: skip

    return make


@pytest.fixture
def table_spec(tmp_path_factory: pytest.TempPathFactory) -> MakeSpec:
    """Makes the spec of a job on a table of one's own: columns by name."""

    def make(
        columns: dict[str, Any], label: str, algorithm: str = "classification", **params: Any
    ) -> JobSpec:
        import pyarrow as pa
        from pyarrow.csv import write_csv

        folder = tmp_path_factory.mktemp("table")
        write_csv(pa.table(columns), folder / "table.csv")
        source = {"path": str(folder / "table.csv"), "filename": "table.csv"}
        (folder / "request.json").write_text(json.dumps({"source": source}))
        import_dataset(folder)
        seed = params.pop("seed", 0)
        return JobSpec(
            id="job_1", name="table", engine="single", np=1, algorithm=algorithm, seed=seed,
            params=hyperparameters_of(algorithm, params).model_dump(), dataset="table@1",
            dataset_digest="1" * 64, dataset_path=str(folder / "data.arrow"), label=label,
            python=sys.executable,
        )  # fmt: skip

    return make


def with_params(spec: JobSpec, **params: Any) -> JobSpec:
    """The same job with other hyperparameters."""
    given = hyperparameters_of(spec.algorithm, spec.params | params)
    return spec.model_copy(update={"params": given.model_dump()})


def rows_of(spec: JobSpec, place: Place | None = None) -> Rows:
    return open_rows(spec, hyperparameters_of(spec.algorithm, spec.params), place or Place())


def train_here(spec: JobSpec, folder: Path) -> dict[str, Any]:
    """Train in this process; what ``metrics.json`` says."""
    params = hyperparameters_of(spec.algorithm, spec.params)
    train(spec, params, folder, rows_of(spec), SingleEngine(Place()))
    return dict(json.loads((folder / "metrics.json").read_text()))


def points(folder: Path, tag: str) -> list[float]:
    """The values of a curve in a job's event files, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tb"), size_guidance={"scalars": 0}).Reload()
    return [point.value for point in read.Scalars(tag)]


def histograms(folder: Path, tag: str) -> list[Any]:
    """What a job shows as histograms, as TensorBoard reads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tb"), size_guidance={"histograms": 0}).Reload()
    return list(read.Histograms(tag))
