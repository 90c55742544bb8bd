"""Preprocessing: fitted on training rows alone, the same after a round trip, sane on odd values."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data import (
    Preprocessing,
    column_values,
    columns_of,
    describe,
    labelled_rows,
)
from aimass_jupyter.data.encoders import FARTHEST, MAX_CATEGORIES
from aimass_jupyter.data.images import as_images
from aimass_jupyter.data.profile import describe_column

TABLE = pa.table(
    {
        "area": [50.0, 70.0, None, 90.0],
        "rooms": [2, 3, 4, 5],
        "sold": [True, False, None, True],
        "town": ["Bonn", "Köln", None, "Bonn"],
        "always": [1, 1, 1, 1],
        "day": pa.array([1, 2, 3, 4], pa.date32()),
        "price": [100.0, 150.0, 210.0, 260.0],
        "kind": ["flat", "house", "house", "flat"],
    }
)


def fit(
    table: pa.Table, label: str, task: Literal["classification", "regression"]
) -> Preprocessing:
    return Preprocessing.fit(table, describe(table, "a test").columns, label, task)


def without(*names: str) -> pa.Table:
    return TABLE.drop_columns(list(names))


def test_each_kind_of_column_has_its_place_in_the_matrix() -> None:
    fitted = fit(without("kind"), "price", "regression")
    assert [feature.name for feature in fitted.features] == ["area", "rooms", "sold", "town"]
    assert fitted.input_shape == (2 + 1 + 2 + 3,)
    matrix = fitted.apply(columns_of(TABLE))
    scale = np.std([50, 70, 90])
    assert matrix.dtype == np.float32
    assert matrix[:, 0] == pytest.approx([-20 / scale, 0, 0, 20 / scale])
    assert matrix[:, 1].tolist() == [0, 0, 1, 0]
    assert matrix[:, 3] == pytest.approx([1, 0, 2 / 3, 1])
    assert matrix[:, 5:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_numbers_are_scaled_as_scikit_learn_does() -> None:
    values = np.random.default_rng(0).normal(5, 3, (40, 3))
    table = pa.table({f"x{n}": values[:, n] for n in range(3)} | {"y": np.arange(40.0)})
    wanted = StandardScaler().fit_transform(values)
    given_matrix = fit(table, "y", "regression").apply(columns_of(table))
    assert given_matrix == pytest.approx(wanted, abs=1e-5)


def test_what_cannot_be_learnt_from_is_listed_with_the_reason() -> None:
    dropped = fit(TABLE, "price", "regression").dropped
    assert set(dropped) == {"always", "day"}
    assert "same in every row" in dropped["always"]
    assert "time" in dropped["day"]


def test_only_training_rows_are_looked_at() -> None:
    whole = without("kind")
    columns = describe(whole, "a test").columns
    fitted = Preprocessing.fit(whole.slice(0, 2), columns, "price", "regression")
    unseen = {"area": [1e300], "rooms": [-4], "sold": [None], "town": ["Aachen"]}
    matrix = fitted.apply(unseen)
    assert matrix[0, 0] == FARTHEST
    assert np.isfinite(matrix).all()
    (town,) = [feature for feature in fitted.features if feature.name == "town"]
    assert town.encode(["Aachen"]).tolist() == [[0.5, 0.5, 0.0]]


def test_rare_categories_share_the_last_place() -> None:
    words = [f"word {number:03}" for number in range(150)] + ["word 000"] * 10
    table = pa.table({"word": words, "y": np.arange(160.0)})
    words_column = describe_column("word", table["word"]).model_copy(update={"kind": "category"})
    fitted = Preprocessing.fit(table, [words_column], "y", "regression")
    assert fitted.input_shape == (MAX_CATEGORIES + 1,)
    matrix = fitted.apply({"word": ["word 000", "never seen"]})
    assert matrix[0].argmax() == 0
    assert matrix[1].argmax() == MAX_CATEGORIES


def test_images_are_scaled_by_the_range_of_training() -> None:
    pixels = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    table = pa.table({"picture": as_images("x", pixels), "extra": [1, 2], "y": [0, 1]})
    fitted = fit(table, "y", "classification")
    assert fitted.input_shape == (1, 3, 4)
    assert fitted.dropped == {"extra": "a network learns from the image 'picture' alone"}
    matrix = fitted.apply({"picture": pixels[:, np.newaxis] * 2 - 1})
    assert (matrix.min(), matrix.max(), matrix.shape) == (0, 1, (2, 1, 3, 4))
    with pytest.raises(InvalidRequest, match="is 1×4×3, and must be 1×3×4"):
        fitted.apply({"picture": np.zeros((1, 1, 4, 3))})


@pytest.mark.parametrize(
    ("labels", "classes", "datatype"),
    [
        (["b", "a", "b"], ["a", "b"], "BYTES"),
        ([7, 3, 7], [3, 7], "INT64"),
        ([7.0, 3.0, 7.0], [3, 7], "INT64"),
        ([True, False, True], ["false", "true"], "BYTES"),
    ],
)
def test_classes_go_there_and_back(labels: list[Any], classes: list[Any], datatype: str) -> None:
    table = pa.table({"x": [1, 2, 3], "y": labels})
    fitted = Preprocessing.from_json(fit(table, "y", "classification").to_json())
    encoded = fitted.encode_label(column_values(table["y"]))
    assert encoded.tolist() == [1, 0, 1]
    answer = fitted.decode(np.eye(2, dtype=np.float32)[encoded] * 50)
    assert answer["label"].tolist() == [classes[1], classes[0], classes[1]]
    assert answer["probabilities"] == pytest.approx(np.eye(2)[encoded])
    label, probabilities = fitted.signature().outputs
    assert (label.datatype, label.values) == (datatype, [str(name) for name in classes])
    assert (probabilities.datatype, probabilities.shape) == ("FP32", [-1, 2])


def test_probabilities_of_huge_logits_are_finite() -> None:
    fitted = fit(without("price"), "kind", "classification")
    answer = fitted.decode(np.array([[3e38, -3e38]], np.float32))
    assert answer["probabilities"].tolist() == [[1.0, 0.0]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True).filter(
    lambda values: np.std(values) > 1e-3))  # fmt: skip
def test_regression_labels_go_there_and_back(values: list[float]) -> None:
    table = pa.table({"x": np.arange(len(values)), "y": pa.array(values, pa.float64())})
    fitted = fit(table, "y", "regression")
    encoded = fitted.encode_label(np.array(values))
    answer = fitted.decode(encoded[:, np.newaxis])
    assert answer["value"] == pytest.approx(values, rel=1e-4, abs=np.std(values) * 1e-4)


@given(
    numbers=st.lists(st.none() | st.floats(-1e9, 1e9), min_size=6, max_size=6),
    words=st.lists(st.none() | st.text(max_size=5), min_size=6, max_size=6),
    flags=st.lists(st.none() | st.booleans(), min_size=6, max_size=6),
)
def test_a_round_trip_through_json_changes_nothing(
    numbers: list[float | None], words: list[str | None], flags: list[bool | None]
) -> None:
    table = pa.table(
        {
            "anchor": [1, 2, 3, 4, 5, 6],
            "number": pa.array(numbers, pa.float64()),
            "word": pa.array(words, pa.string()),
            "flag": pa.array(flags, pa.bool_()),
            "y": [0, 1, 0, 1, 0, 1],
        }
    )
    fitted = fit(table, "y", "classification")
    again = Preprocessing.from_json(fitted.to_json())
    assert again == fitted
    assert again.signature() == fitted.signature()
    columns = columns_of(table)
    assert np.array_equal(again.apply(columns), fitted.apply(columns))
    assert np.isfinite(fitted.apply(columns)).all()
    assert {feature.name for feature in fitted.features} | set(fitted.dropped) == {
        "anchor", "number", "word", "flag",
    }  # fmt: skip


def test_the_example_of_the_signature_can_be_predicted() -> None:
    fitted = fit(without("price"), "kind", "classification")
    signature = fitted.signature()
    assert signature.example == {"area": 50.0, "rooms": 2, "sold": True, "town": "Bonn"}
    assert {spec.name: spec.datatype for spec in signature.inputs} == {
        "area": "FP64", "rooms": "FP64", "sold": "BOOL", "town": "BYTES",
    }  # fmt: skip
    assert signature.inputs[3].values == ["Bonn", "Köln"]
    row = {name: [value] for name, value in signature.example.items()}
    assert fitted.apply(row) == pytest.approx(fitted.apply(columns_of(TABLE))[:1])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"rooms": [1]}, "column 'area' is not given"),
        ({"area": ["wide"], "rooms": [1]}, "column 'area' holds something that is no number"),
        ({"area": [1.0], "rooms": [1, 2]}, "differ in their number of rows"),
        ({"area": [[1.0]], "rooms": [1]}, "takes one value a row"),
    ],
)
def test_columns_that_do_not_fit_are_named(columns: dict[str, Any], message: str) -> None:
    fitted = fit(TABLE.select(["area", "rooms", "price"]), "price", "regression")
    with pytest.raises(InvalidRequest, match=message):
        fitted.apply(columns)


@pytest.mark.parametrize(
    ("label", "task", "message"),
    [
        (["a", "b", "c"], "regression", "holds words, not numbers"),
        ([0.5, 1.5, 2.5], "classification", "holds measured numbers"),
        (["a", "a", "a"], "classification", "the same in every row"),
        ([2.0, 2.0, 2.0], "regression", "the same in every row"),
        ([1.0, None, 2.0], "classification", "is missing"),
        (["a", None, "b"], "classification", "is missing"),
        ([1.0, None, 2.0], "regression", "is missing"),
    ],
)
def test_a_label_that_does_not_suit_the_task_is_refused(
    label: list[Any], task: Literal["classification", "regression"], message: str
) -> None:
    table = pa.table({"x": [1, 2, 3], "y": label})
    with pytest.raises(InvalidRequest, match=message):
        fit(table, "y", task)


def test_too_many_classes_are_refused() -> None:
    table = pa.table({"x": np.arange(1500), "y": np.arange(1500)})
    with pytest.raises(InvalidRequest, match="1,500 different values"):
        fit(table, "y", "classification")


def test_a_class_that_training_never_saw_is_named() -> None:
    fitted = fit(pa.table({"x": [1, 2], "y": ["cat", "dog"]}), "y", "classification")
    with pytest.raises(InvalidRequest, match=r"'dgo'.*did you mean 'dog'"):
        fitted.encode_label(np.array(["cat", "dgo"], dtype=object))


def test_a_table_with_nothing_to_learn_from_says_why() -> None:
    table = pa.table({"one": [1, 1], "day": pa.array([1, 2], pa.date32()), "y": [0, 1]})
    with pytest.raises(InvalidRequest, match="'one': it is the same in every row; 'day'"):
        fit(table, "y", "classification")


def test_rows_without_a_label_are_left_out() -> None:
    table = pa.table({"x": [1, 2, 3], "y": [0.5, None, float("nan")]})
    assert labelled_rows(table, "y").to_pydict() == {"x": [1], "y": [0.5]}
    assert labelled_rows(TABLE, "price") is TABLE


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"format_version": 2},
        {"features": []},
        {"features": [{"kind": "number", "name": "x", "mean": 1e999, "scale": 1, "missing": 0}]},
        {"features": [{"kind": "number", "name": "x", "mean": 1, "scale": 0, "missing": False}]},
        {"label": {"kind": "class", "name": "y", "classes": ["one"]}},
    ],
)
def test_preprocessing_that_was_tampered_with_is_refused(change: dict[str, Any]) -> None:
    fitted = fit(without("price"), "kind", "classification")
    content = json.dumps(json.loads(fitted.to_json()) | change)
    with pytest.raises(InvalidRequest, match="preprocessing is not whole"):
        Preprocessing.from_json(content)


def test_serving_needs_numpy_alone() -> None:
    script = (
        "import sys; from aimass_jupyter.data import Preprocessing;"
        "print(sorted({'pyarrow', 'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"
