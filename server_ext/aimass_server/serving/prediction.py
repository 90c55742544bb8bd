"""Rows as a v2 inference request, a v2 response as predictions. It knows shapes, not numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.models import Signature, TensorSpec

_ANSWERS = ("label", "value")


def request_of(signature: Signature, rows: list[dict[str, Any]]) -> bytes:
    """The body of an inference request for these rows.

    Raises
    ------
    InvalidRequest
        Naming the row and the input that is missing, unknown or of another shape.
    """
    _check_names(signature, rows)
    inputs = [_tensor(spec, rows) for spec in signature.inputs]
    try:
        return json.dumps({"inputs": inputs}, allow_nan=False).encode()
    except ValueError:
        raise InvalidRequest(
            "a value is NaN or infinite, and JSON has neither", "leave the row out"
        ) from None


def predictions_of(response: dict[str, Any]) -> tuple[list[Any], dict[str, list[Any]]]:
    """The prediction of each row, and every output by name."""
    outputs = {tensor["name"]: _rows_of(tensor) for tensor in response["outputs"]}
    answer = next((name for name in _ANSWERS if name in outputs), next(iter(outputs)))
    return outputs[answer], outputs


def _check_names(signature: Signature, rows: list[dict[str, Any]]) -> None:
    known = {spec.name for spec in signature.inputs}
    for number, row in enumerate(rows, 1):
        for name in row.keys() - known:
            raise InvalidRequest(
                f"row {number}: the model has no input '{name}'", did_you_mean(name, known)
            )
        for name in sorted(known - row.keys()):
            raise InvalidRequest(
                f"row {number}: the input '{name}' is missing",
                f"each row needs a value for: {', '.join(sorted(known))}",
            )


def _tensor(spec: TensorSpec, rows: list[dict[str, Any]]) -> dict[str, Any]:
    shape = spec.shape[1:]
    values = [_value(spec, shape, number, row[spec.name]) for number, row in enumerate(rows, 1)]
    return {
        "name": spec.name,
        "datatype": spec.datatype,
        "shape": [len(rows), *shape],
        "data": [number for value in values for number in value],
    }


def _value(spec: TensorSpec, shape: list[int], row: int, value: Any) -> list[Any]:
    """One row's value, flat.

    A list of all its numbers is taken too, and dimensions of one may be left out in front: an
    image of one channel is often written without it.
    """
    taken = [shape, [prod(shape)], _without_leading_ones(shape)] if shape else [shape]
    if any(_fits(value, accepted) for accepted in taken):
        return list(_flat(value))
    raise InvalidRequest(
        f"row {row}: the input '{spec.name}' is {_worded(_shape_of(value))}, "
        f"wanted is {_worded(shape)}"
    )


def _fits(value: Any, shape: list[int]) -> bool:
    """Whether a value has exactly this shape, everywhere."""
    if not shape:
        return not isinstance(value, list)
    if not isinstance(value, list) or len(value) != shape[0]:
        return False
    return all(_fits(element, shape[1:]) for element in value)


def _shape_of(value: Any) -> list[int]:
    """The shape that the first elements tell."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _without_leading_ones(shape: list[int]) -> list[int]:
    first = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _flat(element)
    else:
        yield value


def _worded(shape: list[int]) -> str:
    return f"of shape {shape}" if shape else "a single value"


def _rows_of(tensor: dict[str, Any]) -> list[Any]:
    """The data of an output, one entry a row."""
    data, width = tensor["data"], prod(tensor["shape"][1:])
    if len(tensor["shape"]) == 1:
        return list(data)
    return [data[start : start + width] for start in range(0, len(data), width)]
