"""An evaluation: a registered model held against the rows of a dataset.

The metrics are those that its training gave on the held-out rows; all of the report (a line a
class, who was taken for whom) is a file of the job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.data import columns_of, labelled_rows, open_dataset
from aimass_jupyter.data.dataset import column_values
from aimass_jupyter.evaluation import Report, classification_report, regression_report
from aimass_jupyter.inference.model import LoadedModel, load_bundle
from aimass_jupyter.work.order import WorkOrder

REPORT = "evaluation.json"
_ROWS_AT_ONCE = 16_384

Array = npt.NDArray[Any]


def run(order: WorkOrder) -> None:
    """Evaluate, and leave the report."""
    model = load_bundle(order.spec.input_path)
    label = order.spec.label or model.preprocessing.label.name
    table = _rows(order, model, label)
    report = evaluate(model, table, label)
    text = json.dumps(report.as_record(), indent=1, allow_nan=False)
    order.artifact(REPORT).write_text(text)
    order.tell(f"{order.params['model']} on {report.rows:,} rows of {order.spec.dataset}")
    for name, value in report.metrics.items():
        order.tell(f"{name}: {value if value is None else f'{value:.6g}'}")
    order.gives(REPORT, report.metrics)


def evaluate(model: LoadedModel, table: pa.Table, label: str) -> Report:
    """Hold a model against rows that all have their label."""
    parts = list(_answers(model, table))
    truths = column_values(table[label])
    if model.preprocessing.task == "regression":
        return regression_report(_joined(parts, "value"), truths.astype(np.float64))
    classes = [str(name) for name in model.preprocessing.label.classes]  # type: ignore[union-attr]
    numbers = model.preprocessing.encode_label(truths)
    return classification_report(_joined(parts, "probabilities"), numbers, classes)


def _answers(model: LoadedModel, table: pa.Table) -> Iterator[dict[str, Array]]:
    """What the model says, some rows at a time: a dataset need not fit into memory."""
    names = [feature.name for feature in model.preprocessing.features]
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield model.predict(columns_of(table.slice(start, _ROWS_AT_ONCE), names))


def _joined(parts: list[dict[str, Array]], name: str) -> Array:
    return np.concatenate([part[name] for part in parts])


def _rows(order: WorkOrder, model: LoadedModel, label: str) -> pa.Table:
    """The rows that can be judged.

    Raises
    ------
    InvalidRequest
        When a column is not there that the model reads, or no row has its label.
    """
    table = open_dataset(order.spec.dataset_path)
    known = table.column_names
    for name in [label, *(feature.name for feature in model.preprocessing.features)]:
        if name not in known:
            raise InvalidRequest(
                f"dataset '{order.spec.dataset}' has no column '{name}', which model "
                f"'{order.params['model']}' needs",
                did_you_mean(name, known),
            )
    rows = labelled_rows(table, label)
    if not len(rows):
        raise InvalidRequest(f"no row of dataset '{order.spec.dataset}' has a '{label}'")
    return rows
