"""A loaded bundle gives what the model gave that was fitted, and refuses what does not fit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import load_diabetes, load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from aimass_jupyter.bundle import MODEL, PREPROCESSING, open_member
from aimass_jupyter.contract.errors import Failed, InvalidRequest
from aimass_jupyter.data import columns_of
from aimass_jupyter.inference import load_bundle

Rewrite = Callable[..., Path]
MakeGraph = Callable[..., bytes]


def test_images_are_told_apart_as_by_the_fitted_model(digits_bundle: Path) -> None:
    digits = load_digits()
    flat = (digits.data / 16).astype(np.float32)
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(flat, digits.target)
    answer = load_bundle(digits_bundle).predict({"image": digits.images[:, np.newaxis]})
    assert answer["probabilities"] == pytest.approx(fitted.predict_proba(flat), abs=1e-4)
    assert (answer["label"] == digits.target).mean() > 0.93
    assert answer["label"].dtype == np.int64


def test_numbers_come_back_in_their_own_unit(diabetes_bundle: Path) -> None:
    diabetes = load_diabetes(scaled=False)
    rows = StandardScaler().fit_transform(diabetes.data)
    fitted = Ridge().fit(rows, diabetes.target)
    columns = dict(zip(diabetes.feature_names, diabetes.data.T, strict=True))
    answer = load_bundle(diabetes_bundle).predict(columns)
    assert answer["value"] == pytest.approx(fitted.predict(rows), rel=1e-3)


def test_every_kind_of_column_is_taken_also_as_lists(
    mixed_bundle: Path, mixed_table: pa.Table
) -> None:
    model = load_bundle(mixed_bundle)
    whole = model.predict(columns_of(mixed_table))
    assert whole["label"].tolist() == mixed_table["kind"].to_pylist()
    one = model.predict({"area": [None], "sold": [True], "town": [None], "rooms": [4]})
    assert one["label"][0] == "house"
    example = {name: [value] for name, value in model.manifest.signature.example.items()}
    assert model.predict(example)["probabilities"] == pytest.approx(whole["probabilities"][:1])


@pytest.mark.parametrize("rows", [0, 1, 1024, 1025, 5000])
def test_any_number_of_rows_gives_as_many_answers(digits_bundle: Path, rows: int) -> None:
    images = np.random.default_rng(0).integers(0, 17, (rows, 1, 8, 8))
    model = load_bundle(digits_bundle)
    answer = model.predict({"image": images})
    assert answer["label"].shape == (rows,)
    assert answer["probabilities"].shape == (rows, 10)
    if rows:
        last = model.predict({"image": images[-1:]})
        assert answer["probabilities"][-1] == pytest.approx(last["probabilities"][0], abs=1e-6)


def test_a_wrong_shape_names_the_column(digits_bundle: Path) -> None:
    with pytest.raises(InvalidRequest, match="column 'image' is 8×8, and must be 1×8×8"):
        load_bundle(digits_bundle).predict({"image": np.zeros((2, 8, 8))})


def test_a_model_that_diverged_says_so(
    digits_bundle: Path, rewrite_bundle: Rewrite, make_graph: MakeGraph
) -> None:
    graph = make_graph(np.full((64, 10), np.nan), np.zeros(10), (1, 8, 8))
    model = load_bundle(rewrite_bundle(digits_bundle, {MODEL: graph}))
    with pytest.raises(Failed, match="NaN or infinity"):
        model.predict({"image": np.ones((1, 1, 8, 8))})


def test_a_network_of_another_shape_is_refused(
    digits_bundle: Path, rewrite_bundle: Rewrite, make_graph: MakeGraph
) -> None:
    wide = make_graph(np.zeros((65, 10)), np.zeros(10), (1, 5, 13))
    with pytest.raises((InvalidRequest, Failed), match=r"network|model\.onnx"):
        load_bundle(rewrite_bundle(digits_bundle, {MODEL: wide}))
    few = make_graph(np.zeros((64, 9)), np.zeros(9), (1, 8, 8))
    with pytest.raises(InvalidRequest, match="must give 10 numbers a row"):
        load_bundle(rewrite_bundle(digits_bundle, {MODEL: few}))


def test_a_signature_that_is_not_the_preprocessing_s_is_refused(
    digits_bundle: Path, diabetes_bundle: Path, rewrite_bundle: Rewrite
) -> None:
    other = {PREPROCESSING: open_member(diabetes_bundle, PREPROCESSING)}
    with pytest.raises(InvalidRequest, match="signature"):
        load_bundle(rewrite_bundle(digits_bundle, other))


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x80\x04pickle"])
def test_what_is_no_network_is_refused(
    digits_bundle: Path, rewrite_bundle: Rewrite, content: bytes
) -> None:
    with pytest.raises(InvalidRequest, match=r"model\.onnx"):
        load_bundle(rewrite_bundle(digits_bundle, {MODEL: content}))


def _outside(tensor: onnx.TensorProto, path: Path) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(path))


@pytest.mark.parametrize("place", ["initializer", "attribute", "subgraph"])
def test_a_network_that_reads_another_file_is_refused(
    digits_bundle: Path, rewrite_bundle: Rewrite, tmp_path: Path, place: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64 * 10 * 4))
    model = onnx.load_model_from_string(open_member(digits_bundle, MODEL))
    if place == "initializer":
        _outside(model.graph.initializer[0], secret)
    else:
        constant = helper.make_node("Constant", [], ["hidden"], value=model.graph.initializer[0])
        _outside(constant.attribute[0].t, secret)
        inner = helper.make_graph([constant], "inner", [], [])
        branch = helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner)
        model.graph.node.append(constant if place == "attribute" else branch)
    bundle = rewrite_bundle(digits_bundle, {MODEL: model.SerializeToString()})
    with pytest.raises(InvalidRequest, match="from another file"):
        load_bundle(bundle)


def test_prediction_loads_neither_torch_nor_arrow() -> None:
    script = (
        "import sys; import aimass_jupyter.inference.replica;"
        "print(sorted({'torch', 'pyarrow', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def test_unknown_names_in_the_manifest_s_signature_are_refused(
    digits_bundle: Path, rewrite_bundle: Rewrite
) -> None:
    def renamed(signature: Any) -> Any:
        inputs = [spec.model_copy(update={"name": "picture"}) for spec in signature.inputs]
        return signature.model_copy(update={"inputs": inputs})

    signature = load_bundle(digits_bundle).manifest.signature
    with pytest.raises(InvalidRequest, match="signature"):
        load_bundle(rewrite_bundle(digits_bundle, {}, signature=renamed(signature)))
