"""v2 requests: what fits the signature is taken, what does not is named."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import AimassError, InvalidRequest, TooLarge
from aimass_jupyter.contract.models import Signature, TensorSpec
from aimass_jupyter.inference import load_bundle
from aimass_jupyter.inference.protocol import MAX_ROWS, Malformed, Protocol

SIGNATURE = Signature(
    inputs=[
        TensorSpec(name="area", datatype="FP64", shape=[-1]),
        TensorSpec(name="town", datatype="BYTES", shape=[-1], values=["Bonn"]),
        TensorSpec(name="sold", datatype="BOOL", shape=[-1]),
    ],
    outputs=[
        TensorSpec(name="label", datatype="BYTES", shape=[-1], values=["a", "b"]),
        TensorSpec(name="probabilities", datatype="FP32", shape=[-1, 2], values=["a", "b"]),
    ],
    example={"area": 1.0, "town": "Bonn", "sold": True},
)
IMAGE = Signature(
    inputs=[TensorSpec(name="image", datatype="FP32", shape=[-1, 1, 2, 3])],
    outputs=SIGNATURE.outputs,
    example={},
)
AREA = {"name": "area", "shape": [2], "datatype": "FP64", "data": [1.5, 2]}
TOWN = {"name": "town", "shape": [2], "datatype": "BYTES", "data": ["Bonn", "Köln"]}
SOLD = {"name": "sold", "shape": [2], "datatype": "BOOL", "data": [True, False]}

table = Protocol("homes", "1", SIGNATURE)
image = Protocol("pictures", "1", IMAGE)


def body(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": list(inputs)} | more).encode()


def picture(**changes: Any) -> bytes:
    tensor = {"name": "image", "shape": [1, 1, 2, 3], "datatype": "FP32", "data": [0] * 6}
    return body(tensor | changes)


def test_a_request_that_fits_becomes_columns() -> None:
    request = table.decode(body(TOWN, AREA, SOLD, id="42"))
    assert (request.id, request.rows, request.outputs) == ("42", 2, ("label", "probabilities"))
    assert request.columns["area"].tolist() == [1.5, 2.0]
    assert request.columns["town"].tolist() == ["Bonn", "Köln"]
    assert request.columns["sold"].tolist() == [True, False]
    assert request.columns["sold"].dtype == bool


@pytest.mark.parametrize(
    "datatype",
    ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32"],
)
def test_every_numeric_datatype_is_taken_for_a_number(datatype: str) -> None:
    request = table.decode(body(AREA | {"datatype": datatype, "data": [1, 2]}, TOWN, SOLD))
    assert request.columns["area"].tolist() == [1.0, 2.0]
    pixels = image.decode(picture(datatype=datatype)).columns["image"]
    assert (pixels.dtype, pixels.shape) == (np.float32, (1, 1, 2, 3))


@pytest.mark.parametrize(
    "data", [[0, 1, 2, 3, 4, 5], [[[[0, 1, 2], [3, 4, 5]]]]], ids=["flat", "nested"]
)
def test_data_may_be_flat_or_nested_as_the_shape_says(data: list[Any]) -> None:
    pixels = image.decode(picture(data=data)).columns["image"]
    assert pixels.tolist() == [[[[0, 1, 2], [3, 4, 5]]]]


def test_a_column_may_come_as_a_matrix_of_one_column() -> None:
    column = AREA | {"shape": [2, 1], "data": [[1], [2]]}
    assert table.decode(body(column, TOWN, SOLD)).columns["area"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([AREA, TOWN], ["input 'sold' is missing", "BOOL"]),
        ([AREA, TOWN, SOLD, AREA], ["input 'area' is given twice"]),
        ([AREA, TOWN, SOLD | {"name": "solt"}], ["no input 'solt'", "did you mean 'sold'?"]),
        ([AREA | {"datatype": "BYTES"}, TOWN, SOLD], ["'area'", "BYTES", "must be FP64"]),
        ([AREA | {"datatype": "FP65"}, TOWN, SOLD], ['"FP65"', "did you mean 'FP64'?"]),
        ([AREA | {"datatype": None}, TOWN, SOLD], ["'area' has the datatype null"]),
        ([AREA | {"datatype": [[1]]}, TOWN, SOLD], ["'area' has the datatype"]),
        ([AREA | {"datatype": "BOOL"}, TOWN, SOLD], ["'area'", "BOOL"]),
        ([AREA, TOWN, SOLD | {"datatype": "INT64", "data": [1, 0]}], ["'sold'", "must be BOOL"]),
        ([AREA | {"shape": [3]}, TOWN, SOLD], ["'area' has 2 elements", "[3] needs 3"]),
        ([AREA | {"shape": [2, 2]}, TOWN, SOLD], ["'area' has the shape [2, 2]", "[-1]"]),
        ([AREA | {"shape": 2}, TOWN, SOLD], ["'area' has the shape 2"]),
        ([AREA | {"shape": [-2]}, TOWN, SOLD], ["'area' has the shape [-2]"]),
        ([AREA | {"shape": [True]}, TOWN, SOLD], ["'area' has the shape [true]"]),
        ([AREA | {"shape": [0], "data": []}, TOWN, SOLD], ["'area' has no rows"]),
        ([AREA | {"data": None}, TOWN, SOLD], ["'area' has no list in 'data'"]),
        ([AREA | {"data": ["1", 2]}, TOWN, SOLD], ["element 0 of input 'area' is \"1\"", "FP64"]),
        ([AREA | {"data": [1, True]}, TOWN, SOLD], ["element 1 of input 'area' is true"]),
        ([AREA | {"data": [1, None]}, TOWN, SOLD], ["element 1", "null", "missing value"]),
        ([AREA | {"data": [1, [2]]}, TOWN, SOLD], ["element 1 of input 'area' is [2]"]),
        ([AREA | {"data": [1, {}]}, TOWN, SOLD], ["is an object"]),
        ([AREA | {"data": [10**400, 1]}, TOWN, SOLD], ["'area'", "does not fit FP64"]),
        ([AREA | {"datatype": "INT64"}, TOWN, SOLD], ["is 1.5", "INT64 holds integers"]),
        ([AREA | {"datatype": "UINT8", "data": [1, 256]}, TOWN, SOLD], ["does not fit UINT8"]),
        ([AREA, TOWN | {"data": ["Bonn", 1]}, SOLD], ["element 1 of input 'town' is 1"]),
        ([AREA | {"shape": [1], "data": [1]}, TOWN, SOLD], ["'town' has 2 rows", "'area' has 1"]),
    ],
)
def test_what_does_not_fit_is_named(inputs: list[dict[str, Any]], words: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        table.decode(body(*inputs))
    assert caught.value.status == 422
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": [1, 2, 3]}, "has the shape [1, 2, 3], and must be [-1, 1, 2, 3]"),
        ({"shape": [1, 1, 3, 2]}, "and must be [-1, 1, 2, 3]"),
        ({"data": [0] * 5}, "has 5 elements"),
        ({"data": [[0, 1, 2], [3, 4, 5]]}, "is nested as [2, 3]"),
        ({"data": [[[[0, 1, 2], [3, 4]]]]}, "is ragged"),
        ({"data": [1e300] * 6}, "does not fit FP32"),
    ],
)
def test_an_image_that_does_not_fit_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        image.decode(picture(**changes))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "'inputs' of a request is a list of objects"),
        (b'{"inputs": {}}', "'inputs'"),
        (b'{"inputs": [1]}', "'inputs'"),
        (b'{"inputs": [{}]}', "has no 'name'"),
        (b'{"inputs": [], "inputs": []}', "the key 'inputs' stands twice"),
        (body(AREA | {"data": [float("nan"), 1]}, TOWN, SOLD), "NaN"),
        (body(AREA | {"data": [float("inf"), 1]}, TOWN, SOLD), "Infinity"),
        (b'{"inputs": [1e999]}', "too large"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"9" * 5000, "not JSON"),
        (body(AREA, TOWN, SOLD, id=7), "'id'"),
        (body(AREA, TOWN, SOLD, outputs=[1]), "'outputs'"),
    ],
)
def test_what_is_no_request_is_malformed(content: bytes, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        table.decode(content)
    assert caught.value.status == 400
    assert words in str(caught.value)


def test_an_object_of_many_keys_with_one_twice_is_refused_at_once() -> None:
    pairs = ",".join(f'"k{number}":0' for number in range(200_000))
    with pytest.raises(Malformed, match="'k0' stands twice"):
        table.decode(f'{{{pairs},"k0":1}}'.encode())


def test_null_stands_for_a_missing_value_where_training_saw_some() -> None:
    open_to_null = Protocol("homes", "1", SIGNATURE, frozenset({"area", "town", "sold"}))
    request = open_to_null.decode(
        body(
            AREA | {"datatype": "INT64", "data": [None, 2]},
            TOWN | {"data": [None, "Bonn"]},
            SOLD | {"data": [None, True]},
        )
    )
    assert np.isnan(request.columns["area"][0])
    assert request.columns["town"].tolist() == [None, "Bonn"]
    assert np.isnan(request.columns["sold"][0])
    assert request.columns["sold"][1] == 1.0


def test_too_many_rows_are_refused() -> None:
    count = MAX_ROWS + 1
    inputs = [
        AREA | {"shape": [count], "data": [1] * count},
        TOWN | {"shape": [count], "data": ["Bonn"] * count},
        SOLD | {"shape": [count], "data": [True] * count},
    ]
    with pytest.raises(TooLarge, match="100,001 rows"):
        table.decode(body(*inputs))


def test_an_answer_is_flat_and_names_the_model() -> None:
    request = table.decode(body(AREA, TOWN, SOLD, id="7", outputs=[{"name": "probabilities"}]))
    outputs = {
        "label": np.array(["a", "b"], dtype=object),
        "probabilities": np.array([[0.25, 0.75], [1, 0]], np.float32),
    }
    answer = json.loads(table.encode(request, outputs))
    assert answer == {
        "model_name": "homes",
        "model_version": "1",
        "id": "7",
        "outputs": [
            {
                "name": "probabilities", "datatype": "FP32", "shape": [2, 2],
                "data": [0.25, 0.75, 1.0, 0.0],
            }
        ],
    }  # fmt: skip


def test_an_unknown_output_is_named() -> None:
    with pytest.raises(InvalidRequest, match="no output 'labels' — did you mean 'label'"):
        table.decode(body(AREA, TOWN, SOLD, outputs=[{"name": "labels"}]))


def test_metadata_tells_inputs_classes_and_an_example() -> None:
    metadata = json.loads(table.metadata())
    assert metadata["name"] == "homes"
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"][0] == {"name": "area", "datatype": "FP64", "shape": [-1]}
    assert metadata["outputs"][0]["parameters"] == {"values": ["a", "b"]}
    assert metadata["parameters"]["example"] == SIGNATURE.example


_leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_any_json = st.recursive(
    _leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
_tensor = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["area", "town", "sold", "x"]) | _any_json,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | _any_json,
        "datatype": st.sampled_from(["FP64", "INT8", "BYTES", "BOOL"]) | _any_json,
        "data": st.lists(_leaf, max_size=3) | _any_json,
    },
)


@given(st.fixed_dictionaries({"inputs": st.lists(_tensor, max_size=4)}) | _any_json)
def test_no_request_at_all_can_do_worse_than_be_refused(request_body: Any) -> None:
    with suppress(AimassError):  # any other exception fails the test
        request = table.decode(json.dumps(request_body).encode())
        assert {len(values) for values in request.columns.values()} == {request.rows}


@given(
    tensor=st.sampled_from([AREA, TOWN, SOLD]),
    key=st.sampled_from(["name", "shape", "datatype", "data"]),
    value=_any_json | st.lists(_leaf, min_size=2, max_size=2),
)
def test_no_value_of_one_key_can_do_worse_than_be_refused(
    tensor: dict[str, Any], key: str, value: Any
) -> None:
    others = [other for other in (AREA, TOWN, SOLD) if other is not tensor]
    with suppress(AimassError):
        request = table.decode(body(tensor | {key: value}, *others))
        assert {len(values) for values in request.columns.values()} == {2}


def test_the_example_of_a_model_is_a_request_that_it_answers(mixed_bundle: Path) -> None:
    model = load_bundle(mixed_bundle)
    protocol = Protocol("m", "1", model.manifest.signature)
    example = model.manifest.signature.example
    inputs = [
        {"name": spec.name, "datatype": spec.datatype, "shape": [1], "data": [example[spec.name]]}
        for spec in model.manifest.signature.inputs
    ]
    request = protocol.decode(body(*inputs))
    answer = json.loads(protocol.encode(request, model.predict(request.columns)))
    assert answer["outputs"][0]["data"] == ["flat"]
