"""Files of each format, made here."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CSV = "area,rooms,sold,town,price\n50.5,2,true,Bonn,100\n71,3,false,Köln,150\n,4,true,Bonn,210\n"


def kinds(description: dict[str, Any]) -> dict[str, str]:
    return {column["name"]: column["kind"] for column in description["columns"]}


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def arrow(table: pa.Table, writer: Callable[..., Any] = pa.ipc.new_file) -> bytes:
    buffer = io.BytesIO()
    with writer(buffer, table.schema) as sink:
        sink.write_table(table)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
