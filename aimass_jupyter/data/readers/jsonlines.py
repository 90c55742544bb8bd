"""JSON Lines: one object a line, the same keys throughout; a key that is absent is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.readers.delimited import check_text
from aimass_jupyter.data.readers.limits import unreadable

_BLOCK_BYTES = 16 << 20  # the longest line that can be read
_ARRAY_CURE = "write one object a line, for example: jq -c '.[]' file.json > file.jsonl"


def read_json_lines(path: Path, filename: str) -> pa.Table:
    """Read a table of JSON objects.

    Raises
    ------
    InvalidRequest
        With the line, when it is not a JSON object, or a value changes its type.
    """
    check_text(path, filename)
    try:
        table: pa.Table = pa.json.read_json(
            path, read_options=pa.json.ReadOptions(block_size=_BLOCK_BYTES)
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _fault(path, filename) or unreadable(filename, "JSON Lines", error) from None
    return table


def _fault(path: Path, filename: str) -> InvalidRequest | None:
    """The first line that is no object, or that changes the type of a column."""
    kinds: dict[str, tuple[str, int]] = {}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                cure = _ARRAY_CURE if line.lstrip().startswith("[") else "mend or remove the line"
                return InvalidRequest(f"{filename}, line {number}: not JSON: {error}", cure)
            if not isinstance(row, dict):
                return InvalidRequest(f"{filename}, line {number}: not a JSON object", _ARRAY_CURE)
            if changed := _changed(filename, number, row, kinds):
                return changed
    return None


def _changed(
    filename: str, number: int, row: dict[str, Any], kinds: dict[str, tuple[str, int]]
) -> InvalidRequest | None:
    for name, value in row.items():
        kind = _kind(value)
        before, line = kinds.setdefault(name, (kind, number)) if kind else (kind, number)
        if kind != before:
            return InvalidRequest(
                f"{filename}, line {number}: column '{name}' holds a {kind}, "
                f"and a {before} in line {line}",
                "give the column one type throughout",
            )
    return None


def _kind(value: Any) -> str:
    """What JSON calls the value; nothing for null, which fits every column."""
    if value is None:
        return ""
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
