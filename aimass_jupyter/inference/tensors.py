"""One tensor of the v2 protocol: from JSON to an array that fits its specification, and back."""

from __future__ import annotations

import json
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.models import TensorSpec

Array = npt.NDArray[Any]

_INTEGERS = {
    f"{sign}INT{bits}": np.dtype(f"{sign.lower()}int{bits}")
    for sign in ("U", "")
    for bits in (8, 16, 32, 64)
}
_FLOATS = {"FP16": np.float16, "FP32": np.float32, "FP64": np.float64}
_NUMBERS = frozenset(_INTEGERS) | frozenset(_FLOATS)
_DATATYPES = _NUMBERS | {"BOOL", "BYTES"}

_ACCEPTED: dict[str, frozenset[str]] = {
    "FP64": _NUMBERS,
    "FP32": _NUMBERS,
    "BOOL": frozenset({"BOOL"}),
    "BYTES": frozenset({"BYTES"}),
}
_ELEMENTS: dict[str, tuple[set[type], str]] = {
    "BOOL": ({bool}, "true or false"),
    "BYTES": ({str}, "text"),
    **{name: ({int}, "integers") for name in _INTEGERS},
    **{name: ({int, float}, "numbers") for name in _FLOATS},
}


def read_tensor(spec: TensorSpec, tensor: dict[str, Any], nullable: bool) -> Array:
    """Return the values of an input, shaped as the signature says.

    Parameters
    ----------
    nullable
        Whether null is taken, for a missing value: it becomes NaN or None.

    Raises
    ------
    InvalidRequest
        When datatype, shape, number or type of the elements do not fit; it names the input, what
        was given and what is wanted.
    """
    datatype = _datatype(spec, tensor.get("datatype"))
    shape = _shape(spec, tensor.get("shape"))
    elements = _elements(spec, tensor.get("data"), shape)
    _check_elements(spec, datatype, elements, nullable)
    if spec.datatype == "BYTES":
        return np.array(elements, dtype=object)
    if spec.datatype == "BOOL" and None not in elements:
        return np.array(elements, dtype=bool)
    return _numbers(spec, datatype, elements).reshape(_target(spec, shape))


def write_tensor(spec: TensorSpec, values: Array) -> dict[str, Any]:
    """Return an output as the protocol writes it, its data flat in row-major order."""
    return {
        "name": spec.name,
        "datatype": spec.datatype,
        "shape": list(values.shape),
        "data": values.ravel().tolist(),
    }


def _datatype(spec: TensorSpec, given: Any) -> str:
    if not isinstance(given, str) or given not in _DATATYPES:
        raise InvalidRequest(
            f"input '{spec.name}' has the datatype {_short(given)}, and must be {spec.datatype}",
            did_you_mean(given[:100], _DATATYPES) if isinstance(given, str) else "name a datatype",
        )
    if given not in _ACCEPTED[spec.datatype]:
        raise InvalidRequest(
            f"input '{spec.name}' has the datatype {given}, and must be {spec.datatype}",
            f"send it as {spec.datatype}",
        )
    return given


def _shape(spec: TensorSpec, given: Any) -> list[int]:
    """The shape as given; one column may also be sent as a matrix of one column."""
    wanted = [spec.shape] if spec.shape != [-1] else [[-1], [-1, 1]]
    sides = isinstance(given, list) and all(type(side) is int and side >= 0 for side in given)
    if not given or not sides or [-1, *given[1:]] not in wanted:
        raise InvalidRequest(
            f"input '{spec.name}' has the shape {_short(given)}, and must be {spec.shape}",
            "-1 is the number of rows",
        )
    if given[0] == 0:
        raise InvalidRequest(f"input '{spec.name}' has no rows", "send one row or more")
    return list(given)


def _elements(spec: TensorSpec, data: Any, shape: list[int]) -> list[Any]:
    """The elements, flat; data may be nested as the shape says, or flat already."""
    if not isinstance(data, list):
        raise InvalidRequest(
            f"input '{spec.name}' has no list in 'data'", "send its elements as a list"
        )
    elements, nested = _flatten(spec, data)
    if len(elements) != prod(shape):
        raise InvalidRequest(
            f"input '{spec.name}' has {len(elements):,} elements, and its shape {shape} "
            f"needs {prod(shape):,}",
            "send as many elements as the shape says",
        )
    if len(nested) > 1 and nested != shape:
        raise InvalidRequest(
            f"input '{spec.name}' is nested as {_short(nested)}, and its shape says {shape}",
            "nest it as the shape says, or send it flat",
        )
    return elements


def _flatten(spec: TensorSpec, data: list[Any]) -> tuple[list[Any], list[int]]:
    """The elements, and the lengths of the lists they were nested in, outermost first."""
    nested = [len(data)]
    while data and isinstance(data[0], list):
        lengths = {len(row) if isinstance(row, list) else -1 for row in data}
        if len(lengths) > 1:
            raise InvalidRequest(f"input '{spec.name}' is ragged", "make all its rows equally long")
        nested.append(lengths.pop())
        data = list(chain.from_iterable(data))
    return data, nested


def _check_elements(spec: TensorSpec, datatype: str, elements: list[Any], nullable: bool) -> None:
    allowed, words = _ELEMENTS[datatype]
    taken = allowed | ({type(None)} if nullable else set())
    if set(map(type, elements)) <= taken:
        return
    place, wrong = next(
        (place, value) for place, value in enumerate(elements) if type(value) not in taken
    )
    raise InvalidRequest(
        f"element {place:,} of input '{spec.name}' is {_short(wrong)}, "
        f"and {datatype} holds {words}",
        "training saw no missing value here: send one" if wrong is None else f"send {words}",
    )


def _numbers(spec: TensorSpec, datatype: str, elements: list[Any]) -> Array:
    target = np.float32 if spec.datatype == "FP32" else np.float64
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(elements, dtype=np.float64).astype(target)
    except OverflowError:
        raise _out_of_range(spec, spec.datatype) from None
    if np.isinf(numbers).any():
        raise _out_of_range(spec, spec.datatype)
    if datatype in _INTEGERS:
        limits = np.iinfo(_INTEGERS[datatype])
        present = [element for element in elements if element is not None]
        if present and (min(present) < limits.min or max(present) > limits.max):
            raise _out_of_range(spec, datatype)
    return numbers


def _out_of_range(spec: TensorSpec, datatype: str) -> InvalidRequest:
    return InvalidRequest(
        f"input '{spec.name}' has an element that does not fit {datatype}", "send smaller numbers"
    )


def _target(spec: TensorSpec, shape: list[int]) -> list[int]:
    return [shape[0], *spec.shape[1:]]


def _short(value: Any) -> str:
    """What was given, cut to what fits a line; a list is shown one level deep."""
    if isinstance(value, list):
        shown = [_short(item) if not isinstance(item, list) else "[…]" for item in value[:4]]
        return f"[{', '.join(shown)}{', …' if len(value) > len(shown) else ''}]"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:60]}…"
