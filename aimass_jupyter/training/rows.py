"""Rows: the dataset as one rank trains on it. Every rank works the same split out for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import (
    Preprocessing,
    described_columns,
    find_column,
    open_dataset,
    split_rows,
)
from aimass_jupyter.data.encoders import TextSize
from aimass_jupyter.training.encoded import encode, is_small, map_encoded
from aimass_jupyter.training.fitting import Labels, fit_preprocessing
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.row_order import RowOrder
from aimass_jupyter.training.text_rows import TextRows

Indices = npt.NDArray[np.int64]

SMALL_BYTES = 1 << 26  # of encoded rows, which each rank may have in memory for itself


@dataclass(frozen=True)
class Part:
    """Rows ready for a network: inputs, and targets as the loss wants them.

    ``weights`` says how much each row counts; without, all count 1. Inputs with ``texts`` are
    packed: a batch of them is unpacked before a network reads it.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None = None
    texts: TextRows | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> Part:
        """Return it on a device; itself when it is there."""
        weights = None if self.weights is None else self.weights.to(device)
        return Part(self.inputs.to(device), self.targets.to(device), weights, self.texts)

    def unpacked(self, rows: Tensor | None = None) -> Tensor:
        """Return what a network reads of all its inputs, or of some rows of them."""
        rows = self.inputs if rows is None else rows
        return rows if self.texts is None else self.texts.unpack(rows)

    def taking(self, index: Tensor) -> Part:
        """Return some of its rows, in the order of their numbers."""
        weights = None if self.weights is None else self.weights.index_select(0, index)
        return Part(
            self.inputs.index_select(0, index),
            self.targets.index_select(0, index),
            weights,
            self.texts,
        )

    def pieces(self, count: int) -> Iterator[Part]:
        """Cut it into so many pieces of nearly equal length, the last ones perhaps empty."""
        if count == 1:
            yield self
            return
        for index in torch.arange(len(self), device=self.targets.device).tensor_split(count):
            yield self.taking(index)


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
    picked
        The rows of ``training`` that are trained on, one number as often as it is seen in an
        epoch; None for each of them once.
    """

    training: Part
    held_out: Part
    training_rows: int
    held_out_rows: int
    preprocessing: Preprocessing
    seed: int
    place: Place
    picked: Indices | None = None

    def picking(self, rows: Indices) -> Rows:
        """Return these rows to train on and no others; numbers count in what is trained on now."""
        picked = rows if self.picked is None else self.picked[rows]
        return replace(self, picked=picked, training_rows=len(picked))

    def weighing(self, weights: Tensor) -> Rows:
        """Return the same rows, counting so much each."""
        return replace(self, training=replace(self.training, weights=weights))

    def learning(self, targets: Tensor, held_out: Tensor) -> Rows:
        """Return the same rows with other things to learn."""
        return replace(
            self,
            training=replace(self.training, targets=targets),
            held_out=replace(self.held_out, targets=held_out),
        )

    def showing(self, inputs: Tensor, held_out: Tensor) -> Rows:
        """Return the same rows as another network sees them."""
        return replace(
            self,
            training=replace(self.training, inputs=inputs, texts=None),
            held_out=replace(self.held_out, inputs=held_out, texts=None),
        )

    def share_of(self, rows: Indices) -> Part:
        """Return this rank's share of rows to train on, stretch after stretch."""
        picked = rows if self.picked is None else self.picked[rows]
        mine = np.array_split(picked, self.place.size)[self.place.rank]
        return self.training.taking(torch.from_numpy(mine))

    def set_aside(self, fraction: float) -> tuple[Rows, Part]:
        """Split the rows to train on; return what is left, and this rank's share of the rest."""
        labels = (
            self.training.targets if self.picked is None else self.training.targets[self.picked]
        )
        stratify = self.preprocessing.task == "classification"
        kept, aside = split_rows(labels.numpy(), fraction, self.seed, stratify)
        return self.picking(kept), self.share_of(aside)

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
        row_bytes = self.training.inputs[:1].nbytes
        order = RowOrder.of(self.training_rows, row_bytes)
        for chosen in islice(order.batches([self.seed, epoch], steps), first, None):
            mine = chosen[self.place.rank :: self.place.size]
            index = mine if self.picked is None else self.picked[mine]
            yield self.training.taking(torch.from_numpy(index))


def open_rows(
    spec: JobSpec,
    params: Hyperparameters,
    place: Place,
    folder: Path | None = None,
    small_bytes: int = SMALL_BYTES,
) -> Rows:
    """Open a job's dataset, split it, and encode it.

    Parameters
    ----------
    folder
        The job's. What takes more than ``small_bytes`` when encoded is encoded into files there,
        once for all ranks; without a folder it is kept in memory.

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
    task = ALGORITHMS[spec.algorithm].task
    labels = Labels.of(table, spec.label)
    stratify = task == "classification"
    training, held_out = split_rows(labels.codes, params.validation_fraction, spec.seed, stratify)
    _check_ranks(spec.dataset, len(training), place.size)
    size = TextSize(params.text_slots, params.text_words)
    preprocessing = fit_preprocessing(table, columns, labels, training, task, spec.seed, size)
    texts = TextRows(preprocessing) if preprocessing.has_text else None
    parts = {"training": labels.rows[training], "held-out": labels.rows[held_out]}
    if folder is None or is_small(table, len(labels.rows), preprocessing, small_bytes):
        parts["held-out"] = parts["held-out"][place.rank :: place.size]
        encoded = {name: encode(table, rows, preprocessing) for name, rows in parts.items()}
    else:
        encoded = map_encoded(folder, table, parts, preprocessing)
        inputs, targets = encoded["held-out"]
        mine = slice(place.rank, None, place.size)
        encoded["held-out"] = inputs[mine], targets[mine]
    return Rows(
        training=_part(*encoded["training"], texts),
        held_out=_part(*encoded["held-out"], texts),
        training_rows=len(training),
        held_out_rows=len(held_out),
        preprocessing=preprocessing,
        seed=spec.seed,
        place=place,
    )


def _part(
    inputs: npt.NDArray[Any], targets: npt.NDArray[Any], texts: TextRows | None
) -> Part:  # fmt: skip
    return Part(torch.from_numpy(inputs), torch.from_numpy(targets), texts=texts)


def _check_ranks(dataset: str, rows: int, ranks: int) -> None:
    if rows < ranks:
        raise InvalidRequest(
            f"dataset '{dataset}' leaves {rows} rows to train on, fewer than {ranks} ranks",
            f"use --np {rows} or less",
        )
