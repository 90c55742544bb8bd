"""Data sets: read from the files that people have, described, split, and made into numbers.

A dataset version is one Arrow IPC file that is mapped into memory, never loaded whole::

    a file ──importer──▶ data.arrow + description.json        (once, in a process of its own)
                            │
              open_dataset ─┴▶ Table ─ split_rows ─ Preprocessing.fit ─▶ float32 for a network

* ``importer``  reads CSV, TSV, JSON Lines, Parquet, Arrow, NumPy .npz and scikit-learn's data sets
* ``profile``   says of each column what it holds, and which one is the label
* ``dataset``   opens an imported version and gives its columns as arrays
* ``split``     decides which rows are held out, the same ones every time
* ``transforms``  fits on the training rows how columns become a matrix and the label becomes
  numbers; it travels inside the bundle and needs numpy alone

Files are told by their content first and their name second, and nothing is ever unpickled. This
room must not import torch, pandas or onnxruntime, nor any other room but ``contract`` and ``host``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_jupyter.data.bad_rows import BadData, find_bad_row
    from aimass_jupyter.data.dataset import (
        column_values,
        columns_of,
        described_columns,
        labelled_rows,
        open_dataset,
    )
    from aimass_jupyter.data.profile import describe, find_column
    from aimass_jupyter.data.split import split_rows
    from aimass_jupyter.data.transforms import Preprocessing

__all__ = [
    "BadData",
    "Preprocessing",
    "column_values",
    "columns_of",
    "describe",
    "described_columns",
    "find_bad_row",
    "find_column",
    "labelled_rows",
    "open_dataset",
    "split_rows",
]

_HOMES = {
    "BadData": "bad_rows",
    "Preprocessing": "transforms",
    "column_values": "dataset",
    "columns_of": "dataset",
    "describe": "profile",
    "described_columns": "dataset",
    "find_bad_row": "bad_rows",
    "find_column": "profile",
    "labelled_rows": "dataset",
    "open_dataset": "dataset",
    "split_rows": "split",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for alone: a replica wants the transforms and never loads Arrow."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
