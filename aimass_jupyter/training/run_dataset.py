"""``run.dataset``: the job's dataset as own code reads it: columns, rows, batches, tensors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import (
    Preprocessing,
    column_values,
    described_columns,
    labelled_rows,
    open_dataset,
)
from aimass_jupyter.training.place import Place

DRY_ROWS = 256

Array = npt.NDArray[Any]


class RunDataset:
    """A table. Its columns are mapped into memory, and read when they are asked for.

    Attributes
    ----------
    name
        name@version
    label
        The column to learn; empty when none is known.
    table
        The rows, as an Arrow table.
    preprocessing
        How :meth:`tensors` made numbers of columns; None before.
    """

    def __init__(
        self, name: str, label: str, table: pa.Table, columns: list[Column], seed: int, place: Place
    ) -> None:
        self.name = name
        self.label = label
        self.table = table
        self.preprocessing: Preprocessing | None = None
        self._described = columns
        self._seed = seed
        self._place = place

    @classmethod
    def open(cls, spec: JobSpec, place: Place) -> RunDataset:
        """Open the dataset of a job; of a dry run the first rows."""
        table = open_dataset(spec.dataset_path)
        columns = described_columns(table)
        if spec.options.dry_run:
            table = table.slice(0, DRY_ROWS)
        return cls(spec.dataset, spec.label, table, columns, spec.seed, place)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    def __len__(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)

    def __getitem__(self, name: str) -> Array:
        """A column as an array, with one value a row.

        Raises
        ------
        InvalidRequest
            When there is no such column.
        """
        if name not in self.columns:
            raise InvalidRequest(
                f"dataset '{self.name}' has no column '{name}'", did_you_mean(name, self.columns)
            )
        return self._values(name)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def take(self, rows: Any) -> RunDataset:
        """The rows of these numbers, as a dataset."""
        return self._like(self.table.take(pa.array(np.asarray(rows, dtype=np.int64))))

    def shard(self) -> RunDataset:
        """This rank's share: every size-th row."""
        return self.take(np.arange(self._place.rank, len(self), self._place.size))

    def batches(self, size: int, epoch: int = 0) -> Iterator[dict[str, Array]]:
        """This rank's part of each batch of ``size`` rows, in an order of the epoch's own.

        Every rank gets the same number of them; rows that are too few for all ranks are left out.
        """
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self))
        for start in range(0, len(order), max(1, size)):
            rows = order[start : start + size]
            if len(rows) >= self._place.size:
                part = self.take(rows[self._place.rank :: self._place.size])
                yield {name: part[name] for name in part.columns}

    def tensors(self) -> tuple[Tensor, Tensor]:
        """All rows as a network takes them: inputs, and the label as a loss wants it.

        Numbers are standardised, categories and booleans become columns of their own, images are
        scaled to 0…1; the label becomes class numbers, or a standardised number. A model that
        learns from them is registered with that same preparation.

        Raises
        ------
        InvalidRequest
            When no label is known.
        """
        if not self.label:
            raise InvalidRequest(
                f"dataset '{self.name}' has no label (columns: {', '.join(self.columns[:20])})",
                "name one of them: --label COLUMN",
            )
        table = labelled_rows(self.table, self.label)
        fitted = Preprocessing.fit(table, self._described, self.label, self._task())
        self.preprocessing = fitted
        values = {name: column_values(table[name]) for name in table.column_names}
        inputs = torch.from_numpy(fitted.apply(values))
        return inputs, torch.from_numpy(fitted.encode_label(values[self.label]))

    def _task(self) -> Any:
        column = next(c for c in self._described if c.name == self.label)
        fractional = column.type.startswith(("float", "double", "half"))
        numbers = column.kind == "number" and (fractional or column.distinct is None)
        return "regression" if numbers else "classification"

    def _values(self, name: str) -> Array:
        return self._read(name)

    def _read(self, name: str) -> Array:
        if name not in self._cache:
            self._cache[name] = column_values(self.table[name])
        return self._cache[name]

    @cached_property
    def _cache(self) -> dict[str, Array]:
        return {}

    def _like(self, table: pa.Table) -> RunDataset:
        return RunDataset(self.name, self.label, table, self._described, self._seed, self._place)

    def __repr__(self) -> str:
        return f"<dataset {self.name}: {len(self):,} rows, {', '.join(self.columns[:8])}>"
