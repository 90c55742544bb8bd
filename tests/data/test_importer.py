"""The importer: what each source gives, and what it says of what it cannot read."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_digits, load_iris

from aimass_jupyter.contract.datasets import BUILTIN_DATASETS
from aimass_jupyter.data import column_values, open_dataset
from tests.data.making import CSV, kinds, npz, parquet

Import = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", BUILTIN_DATASETS)
def test_every_built_in_data_set_knows_its_label(import_builtin: Import, name: str) -> None:
    found = import_builtin(name)
    label = {column["name"]: column for column in found["columns"]}[found["label"]]
    assert found["task"] == ("regression" if name == "diabetes" else "classification")
    assert label["missing"] == 0
    assert len(found["preview"]) == 5
    assert found["source"] == f"scikit-learn: {name}"


def test_digits_are_the_images_of_scikit_learn(import_builtin: Import) -> None:
    found = import_builtin("digits")
    assert kinds(found) == {"image": "image", "digit": "number"}
    image = found["columns"][0]
    assert (image["shape"], image["type"]) == ([1, 8, 8], "uint8")
    assert (image["minimum"], image["maximum"]) == (0, 16)
    table = open_dataset(found["folder"] / "data.arrow")
    digits = load_digits()
    assert np.array_equal(column_values(table["image"])[:, 0], digits.images)
    assert np.array_equal(column_values(table["digit"]), digits.target)


def test_iris_speaks_of_species_by_name(import_builtin: Import) -> None:
    found = import_builtin("iris")
    assert list(kinds(found)) == [
        "sepal_length", "sepal_width", "petal_length", "petal_width", "species",
    ]  # fmt: skip
    assert found["preview"][0]["species"] == "setosa"
    table = open_dataset(found["folder"] / "data.arrow")
    assert np.array_equal(column_values(table["petal_width"]), load_iris().data[:, 3])


def test_an_unknown_data_set_is_named_with_the_nearest(import_builtin: Import) -> None:
    assert import_builtin("digit")["hint"] == "did you mean 'digits'?"


@pytest.mark.parametrize(
    ("label", "message", "hint"),
    [
        ("pric", "there is no column 'pric'", "did you mean 'price'?"),
        ("day", "column 'day' cannot be the label", "name a column of numbers"),
        ("note", "column 'note' cannot be the label: it is free text", "name a column of numbers"),
    ],
)
def test_a_label_that_cannot_be_learnt_is_refused(
    import_file: Import, label: str, message: str, hint: str
) -> None:
    rows = [f"{number},2024-01-{number:02},note number {number}" for number in range(1, 29)]
    problem = import_file("price,day,note\n" + "\n".join(rows), "notes.csv", label=label)
    assert message in problem["detail"]
    assert hint in problem["hint"]


@pytest.mark.parametrize(
    ("header", "label"),
    [("a,Label", "Label"), ("y,target", "target"), ("a,b", None), ("CLASS,a", "CLASS")],
)
def test_the_usual_names_of_a_label_are_known(
    import_file: Import, header: str, label: str | None
) -> None:
    assert import_file(f"{header}\n1,2\n2,3\n", "t.csv")["label"] == label


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 10, "classification"),
        (["true", "false"] * 10, "classification"),
        (list(range(3)) * 10, "classification"),
        (list(range(30)), "regression"),
        ([0.5, 1.5] * 10, "regression"),
        ([1, 2, 3], "regression"),
    ],
)
def test_the_task_follows_from_the_label(import_file: Import, values: list[Any], task: str) -> None:
    text = "y\n" + "\n".join(map(str, values))
    assert import_file(text, "t.csv")["task"] == task


def test_a_preview_is_json_whatever_the_values(import_file: Import) -> None:
    rows = f"inf,{'x' * 500},2024-01-01T10:00:00\n-inf,b,\nnan,,2024-01-02T00:00:00\n"
    found = import_file("a,b,c\n" + rows, "odd.csv")
    first = found["preview"][0]
    assert first["a"] is None
    assert len(first["b"]) == 201
    assert first["c"] == "2024-01-01T10:00:00"
    assert (found["columns"][0]["minimum"], found["columns"][0]["maximum"]) == (None, None)


def test_the_preview_of_large_images_is_small(import_file: Import) -> None:
    found = import_file(npz(x=np.zeros((3, 500, 400, 3), np.uint8)), "large.npz")
    image = np.array(found["preview"][0]["x"])
    assert image.shape[0] == 3
    assert max(image.shape) <= 64


def test_the_same_source_gives_the_same_bytes(import_file: Import) -> None:
    first = (import_file(CSV, "homes.csv")["folder"] / "data.arrow").read_bytes()
    second = (import_file(CSV, "homes.csv")["folder"] / "data.arrow").read_bytes()
    assert first == second


def _run(folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "aimass_jupyter.data.importer", str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, **options)


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text(CSV)
    source = {"path": str(tmp_path / "homes.csv"), "filename": "homes.csv"}
    (tmp_path / "request.json").write_text(json.dumps({"source": source, "label": "pric"}))
    result = _run(tmp_path)
    assert result.returncode == 1
    assert "did you mean 'price'?" in result.stderr
    assert "Traceback" not in result.stderr
    (tmp_path / "request.json").write_text(json.dumps({"source": source, "label": "price"}))
    assert _run(tmp_path).returncode == 0
    assert json.loads((tmp_path / "description.json").read_text())["rows"] == 3


@pytest.mark.faults
def test_a_full_disk_leaves_a_problem_and_no_half_data(tmp_path: Path) -> None:
    table = pa.table({"a": np.random.default_rng(0).random(200_000)})
    (tmp_path / "large.parquet").write_bytes(parquet(table))
    source = {"path": str(tmp_path / "large.parquet"), "filename": "large.parquet"}
    (tmp_path / "request.json").write_text(json.dumps({"source": source}))

    def cap_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    result = _run(tmp_path, preexec_fn=cap_files)
    assert result.returncode == 1, result.stderr
    assert json.loads((tmp_path / "error.json").read_text())["status"] == 507
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["error.json", "large.parquet", "request.json"]


@pytest.mark.faults
def test_a_table_that_does_not_fit_into_memory_is_too_large(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "wide.npz", x=np.zeros(150_000_000, np.uint8))
    source = {"path": str(tmp_path / "wide.npz"), "filename": "wide.npz"}
    (tmp_path / "request.json").write_text(json.dumps({"source": source}))

    def cap_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))

    result = _run(tmp_path, preexec_fn=cap_memory)
    assert result.returncode == 1, result.stderr
    problem = json.loads((tmp_path / "error.json").read_text())
    assert problem["code"] == "too-large"
    assert problem["detail"] == "wide.npz does not fit into this machine's memory"
