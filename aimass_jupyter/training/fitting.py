"""Fitting: labels and preprocessing from a table that may be larger than memory.

Of the columns that are learnt from, a sample is looked at when there are many rows; of the label,
all values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.data import Preprocessing, column_values
from aimass_jupyter.data.dataset import take
from aimass_jupyter.data.encoders import DEFAULT_SIZE, TextSize
from aimass_jupyter.data.labels import ClassLabel, NumberLabel
from aimass_jupyter.data.transforms import TEXTS_LOOKED_AT, Task

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]

MANY_ROWS = 1 << 20  # from here on, a sample of so many rows stands for all


@dataclass(frozen=True)
class Labels:
    """The labels of the rows that have one.

    Attributes
    ----------
    name
        The column.
    rows
        The numbers of those rows.
    codes
        Their labels, or numbers that are ordered as their labels are.
    values
        What the codes stand for; None when they are the labels themselves.
    """

    name: str
    rows: Indices
    codes: Array
    values: Array | None = None

    @classmethod
    def of(cls, table: pa.Table, name: str) -> Labels:
        """Read the column; missing ones and NaN are passed over. Text becomes codes."""
        column = table[name]
        present = pc.invert(pc.is_null(column, nan_is_null=True))
        rows = np.flatnonzero(present.to_numpy())
        column = column.filter(present) if len(rows) < len(column) else column
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return cls(name, rows, column_values(column))
        values = sorted(pc.unique(column).to_pylist())
        codes = pc.index_in(column, value_set=pa.array(values, column.type)).to_numpy()
        return cls(name, rows, codes, np.array(values, dtype=object))

    def of_rows(self, chosen: Indices) -> Array:
        """Return labels; of text each different one once."""
        codes = self.codes[chosen]
        return codes if self.values is None else self.values[np.unique(codes)]


class _Taken:
    """Some rows of a table, a column at a time: a copy of all would be as large as they are.

    Of a text, which may be long, it takes as many as are looked at.
    """

    def __init__(self, table: pa.Table, rows: Indices, columns: list[Column]) -> None:
        self._table = table
        self._rows = rows
        self._texts = {column.name for column in columns if column.kind == "text"}

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        rows = self._rows
        if name in self._texts and len(rows) > TEXTS_LOOKED_AT:
            rows = rows[np.linspace(0, len(rows) - 1, TEXTS_LOOKED_AT).astype(np.int64)]
        return take(self._table[name], rows)


def fit_preprocessing(
    table: pa.Table,
    columns: list[Column],
    labels: Labels,
    training: Indices,
    task: Task,
    seed: int,
    texts: TextSize = DEFAULT_SIZE,
    many_rows: int = MANY_ROWS,
) -> Preprocessing:
    """Fit on the training rows, whose numbers count among those with a label."""
    if len(training) <= many_rows:
        rows = labels.rows[training]
        return Preprocessing.fit(_Taken(table, rows, columns), columns, labels.name, task, texts)
    drawn = np.random.default_rng(seed).choice(training, many_rows, replace=False, shuffle=False)
    sample = _Taken(table, np.sort(labels.rows[drawn]), columns)
    fitted = Preprocessing.fit(sample, columns, labels.name, task, texts)
    label = ClassLabel if task == "classification" else NumberLabel
    whole = label.fit(labels.name, labels.of_rows(training))
    return fitted.model_copy(update={"label": whole})
