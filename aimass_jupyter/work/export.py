"""An export: a dataset version or a model becomes a file that other programs read."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aimass_jupyter.bundle import MODEL, WEIGHTS, open_member, read_manifest
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data import open_dataset
from aimass_jupyter.work.order import WorkOrder

_ROWS_AT_ONCE = 65_536
_MEMBERS = {"onnx": MODEL, "safetensors": WEIGHTS}


def run(order: WorkOrder) -> None:
    """Write the file."""
    path = order.artifact(order.params["file"])
    kind = order.params["format"]
    if order.params.get("model"):
        _write_model(Path(order.spec.input_path), kind, path)
    else:
        table = open_dataset(order.spec.dataset_path)
        _TABLES[kind](table, path)
        order.tell(f"{len(table):,} rows")
    order.tell(f"{path.name}: {path.stat().st_size:,} bytes")
    order.gives(path.name)


def _write_model(bundle: Path, kind: str, path: Path) -> None:
    read_manifest(bundle)  # and hold every byte against its checksum
    if kind == "bundle":
        shutil.copyfile(bundle, path)
    else:
        path.write_bytes(open_member(bundle, _MEMBERS[kind]))


def _write_csv(table: pa.Table, path: Path) -> None:
    for column in table.schema:
        if not _fits_a_cell(column.type):
            raise InvalidRequest(
                f"column '{column.name}' is {column.type}, which no cell of a CSV file holds",
                "take --format parquet",
            )
    with pa.csv.CSVWriter(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            writer.write(batch)


def _fits_a_cell(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType))


def _write_parquet(table: pa.Table, path: Path) -> None:
    with pa.parquet.ParquetWriter(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            writer.write_batch(batch)


def _write_arrow(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=_ROWS_AT_ONCE)


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                file.write(_json_line(row))


def _json_line(row: dict[str, Any]) -> str:
    try:
        text = json.dumps(row, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:  # seldom, and so not looked for in every row
        text = json.dumps(_finite(row), ensure_ascii=False, default=str)
    return text + "\n"


def _finite(value: Any) -> Any:
    """What JSON has no word for, NaN and infinity, is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


_TABLES: dict[str, Callable[[pa.Table, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "jsonl": _write_jsonl,
}
