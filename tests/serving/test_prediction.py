"""Rows become a request of the protocol and its answer becomes predictions again."""

from __future__ import annotations

import json
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.models import Signature, TensorSpec
from aimass_server.serving.prediction import predictions_of, request_of

_shapes = st.lists(st.integers(1, 3), max_size=3)


def signature(**shapes: list[int]) -> Signature:
    inputs = [TensorSpec(name=n, datatype="FP64", shape=[-1, *s]) for n, s in shapes.items()]
    return Signature(inputs=inputs, outputs=[], example={})


def nested(flat: list[float], shape: list[int]) -> Any:
    if not shape:
        return flat[0]
    step = len(flat) // shape[0]
    parts = range(0, len(flat), step)
    return [nested(flat[start : start + step], shape[1:]) for start in parts]


@given(shape=_shapes, rows=st.integers(1, 4), flat=st.booleans())
def test_a_row_is_flattened_in_its_order_however_it_is_nested(
    shape: list[int], rows: int, flat: bool
) -> None:
    size = prod(shape)
    values = [[float(row * size + n) for n in range(size)] for row in range(rows)]
    given_rows = [{"x": v if flat and shape else nested(v, shape)} for v in values]
    (tensor,) = json.loads(request_of(signature(x=shape), given_rows))["inputs"]
    assert tensor["shape"] == [rows, *shape]
    assert tensor["data"] == [float(number) for number in range(rows * size)]


@given(shape=_shapes, rows=st.integers(1, 4))
def test_an_output_is_one_entry_a_row(shape: list[int], rows: int) -> None:
    size = prod(shape)
    data = list(range(rows * size))
    tensor = {"name": "value", "shape": [rows, *shape], "data": data}
    predictions, outputs = predictions_of({"outputs": [tensor]})
    assert outputs == {"value": predictions}
    assert len(predictions) == rows
    whole = [number for row in predictions for number in (row if shape else [row])]
    assert whole == data


def test_the_label_is_the_prediction_wherever_it_stands() -> None:
    probabilities = {"name": "probabilities", "shape": [1, 2], "data": [0.1, 0.9]}
    label = {"name": "label", "shape": [1], "data": ["b"]}
    predictions, outputs = predictions_of({"outputs": [probabilities, label]})
    assert predictions == ["b"]
    assert outputs["probabilities"] == [[0.1, 0.9]]


def test_dimensions_of_one_may_be_left_out_in_front() -> None:
    image = [[1.0, 2.0], [3.0, 4.0]]
    for value in (image, [[image]]):
        (tensor,) = json.loads(request_of(signature(x=[1, 1, 2, 2]), [{"x": value}]))["inputs"]
        assert tensor["shape"] == [1, 1, 1, 2, 2]
        assert tensor["data"] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1.0, "a single value"),
        ([1.0, 2.0, 3.0], "of shape [3]"),
        ([[1.0, 2.0], [3.0]], "of shape [2, 2]"),
        ([[1.0, 2.0, 3.0], [4.0]], "of shape [2, 3]"),
        ([], "of shape [0]"),
        ([[[1.0, 2.0], [3.0, 4.0]]], "of shape [1, 2, 2]"),
    ],
)
def test_a_value_of_another_shape_is_refused_by_row_and_input(value: Any, found: str) -> None:
    good = [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(InvalidRequest) as refusal:
        request_of(signature(x=[2, 2]), [{"x": good}, {"x": value}])
    wanted = f"row 2: the input 'x' is {found}, wanted is of shape [2, 2]"
    assert refusal.value.message == wanted


def test_unknown_and_missing_inputs_are_named() -> None:
    with pytest.raises(InvalidRequest, match="no input 'sepal_lenght' — did you mean 'sepal_len"):
        request_of(signature(sepal_length=[]), [{"sepal_lenght": 1.0}])
    with pytest.raises(InvalidRequest, match="row 1: the input 'b' is missing"):
        request_of(signature(a=[], b=[]), [{"a": 1.0}])
