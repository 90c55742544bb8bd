"""Rows: the dataset as one rank trains on it. Every rank works the same split out for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from aimass_jupyter.contract.algorithms import ALGORITHMS, Hyperparameters
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import (
    Preprocessing,
    columns_of,
    described_columns,
    find_column,
    labelled_rows,
    open_dataset,
    split_rows,
)
from aimass_jupyter.training.place import Place

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Rows ready for a network: inputs, and targets as the loss wants them."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> Part:
        """Return it on a device; itself when it is there."""
        return Part(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Rows:
    """What the ranks train on, and what this one is measured on.

    Attributes
    ----------
    training
        All rows to train on: which of them a step takes does not depend on how many ranks there
        are, so a run can go on with more or fewer.
    held_out
        This rank's share.
    training_rows, held_out_rows
        How many there are.
    """

    training: Part
    held_out: Part
    training_rows: int
    held_out_rows: int
    preprocessing: Preprocessing
    seed: int
    place: Place

    def steps(self, batch_size: int) -> int:
        """Steps of an epoch; the same on every rank. ``batch_size`` counts the rows of all."""
        return max(1, -(-self.training_rows // batch_size))

    def seeds(self, epoch: int, steps: int) -> list[int]:
        """Seeds of what is random in each step of an epoch, different on every rank."""
        sequence = np.random.SeedSequence([self.seed, epoch, self.place.rank])
        return [int(state) for state in sequence.generate_state(steps)]

    def batches(self, epoch: int, steps: int, first: int = 0) -> Iterator[Part]:
        """This rank's part of each batch of an epoch, in an order of the epoch's own.

        The batches are the same whatever the number of ranks; ``first`` are left out, those that
        were trained on before.
        """
        order = np.random.default_rng([self.seed, epoch]).permutation(self.training_rows)
        for chosen in np.array_split(order, steps)[first:]:
            index = torch.from_numpy(chosen[self.place.rank :: self.place.size])
            yield Part(self.training.inputs[index], self.training.targets[index])


def open_rows(spec: JobSpec, params: Hyperparameters, place: Place) -> Rows:
    """Open a job's dataset, split it, and encode what this rank needs of it.

    Raises
    ------
    InvalidRequest
        When there is no label, or fewer rows to train on than ranks.
    """
    table = open_dataset(spec.dataset_path)
    columns = described_columns(table)
    if not spec.label:
        names = ", ".join(table.column_names)
        raise InvalidRequest(
            f"dataset '{spec.dataset}' has no label to learn (columns: {names})",
            "name one of them: --label COLUMN",
        )
    find_column(columns, spec.label)
    table = labelled_rows(table, spec.label)
    task = ALGORITHMS[spec.algorithm].task
    labels = columns_of(table, [spec.label])[spec.label]
    stratify = task == "classification"
    training, held_out = split_rows(labels, params.validation_fraction, spec.seed, stratify)
    _check_ranks(spec.dataset, len(training), place.size)
    preprocessing = Preprocessing.fit(table.take(training), columns, spec.label, task)
    return Rows(
        training=_encode(table, training, preprocessing),
        held_out=_encode(table, held_out[place.rank :: place.size], preprocessing),
        training_rows=len(training),
        held_out_rows=len(held_out),
        preprocessing=preprocessing,
        seed=spec.seed,
        place=place,
    )


def _encode(table: pa.Table, rows: Indices, preprocessing: Preprocessing) -> Part:
    names = [*(feature.name for feature in preprocessing.features), preprocessing.label.name]
    columns: dict[str, npt.NDArray[Any]] = columns_of(table.take(rows), names)
    inputs = preprocessing.apply(columns)
    targets = preprocessing.encode_label(columns[preprocessing.label.name])
    return Part(torch.from_numpy(inputs), torch.from_numpy(targets))


def _check_ranks(dataset: str, rows: int, ranks: int) -> None:
    if rows < ranks:
        raise InvalidRequest(
            f"dataset '{dataset}' leaves {rows} rows to train on, fewer than {ranks} ranks",
            f"use --np {rows} or less",
        )
