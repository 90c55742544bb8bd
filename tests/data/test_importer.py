"""The importer: what each source gives, and what it says of what it cannot read."""

from __future__ import annotations

import io
import json
import pickle
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits, load_iris

from aimass_jupyter.contract.datasets import BUILTIN_DATASETS
from aimass_jupyter.data import column_values, described_columns, open_dataset

Import = Callable[..., dict[str, Any]]

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


def test_a_csv_file_is_typed_column_by_column(import_file: Import) -> None:
    found = import_file(CSV, "homes.csv", label="price")
    assert kinds(found) == {
        "area": "number", "rooms": "number", "sold": "boolean", "town": "category",
        "price": "number",
    }  # fmt: skip
    assert found["rows"] == 3
    assert found["columns"][0] == {
        "name": "area", "kind": "number", "type": "double", "shape": None, "missing": 1,
        "distinct": 2, "minimum": 50.5, "maximum": 71.0, "words": None,
    }  # fmt: skip
    assert (found["label"], found["task"]) == ("price", "regression")
    assert found["preview"][2] == {
        "area": None, "rooms": 4, "sold": True, "town": "Bonn", "price": 210,
    }  # fmt: skip


def test_the_data_is_mapped_and_knows_its_columns(import_file: Import) -> None:
    found = import_file(CSV, "homes.csv")
    before = pa.total_allocated_bytes()
    table = open_dataset(found["folder"] / "data.arrow")
    assert table.num_rows == 3
    assert pa.total_allocated_bytes() == before
    columns = [column.model_dump(mode="json") for column in described_columns(table)]
    assert columns == found["columns"]


@pytest.mark.parametrize(
    ("text", "filename"),
    [
        (CSV.replace(",", ";"), "homes.csv"),
        (CSV.replace(",", ";").replace(".", ","), "homes.csv"),
        (CSV.replace(",", "\t"), "homes.tsv"),
        (CSV.replace(",", "|"), "homes.txt"),
        (CSV.replace(",", ", "), "homes.csv"),
        (CSV.replace("\n", "\r\n"), "homes.csv"),
        ("\ufeff" + CSV, "homes.csv"),
        (CSV.rstrip("\n"), "homes"),
        (CSV.replace("Köln", '"Köln"') + "\n\n", "homes.csv"),
    ],
    ids=["semicolon", "comma decimals", "tab", "bar", "blanks", "crlf", "bom", "no end", "quoted"],
)
def test_the_relatives_of_csv_give_the_same_table(
    import_file: Import, text: str, filename: str
) -> None:
    wanted = import_file(CSV, "homes.csv")
    given = import_file(text, filename)
    assert (given["columns"], given["preview"]) == (wanted["columns"], wanted["preview"])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "sales.csv is empty", "header"),
        ("  \n\n", "sales.csv is empty", "header"),
        ("a,b\n", "sales.csv has a header and no rows", "rows"),
        ("1,2\n3,4\n", "sales.csv, line 1: there is no header", "first line"),
        ("a,b,a\n1,2,3\n", "two columns named 'a' (columns 1 and 3)", "rename"),
        (",a,b\n0,1,2\n", "column 1 has no name", "index=False"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 values, and the header names 2 columns", "quote"),
        ("a,b\n1,2\n3\n", "line 3: 1 value, and the header names 2 columns", "fill"),
        ('a,b\n"1\n2",2\n3\n', "line 4: 1 value,", "fill"),
        ('a,b\n1,2\n3,"4\n5,6\n', "sales.csv, line 3", "quotation mark"),
        ('a,b\n1,"x\n3,4\n5,"y\n7,8\n', "sales.csv, line 2", "double those inside"),
        (b"a,b\n1,2\nx\xff,4\n", "sales.csv, line 3: the text is not UTF-8 (byte 0xff)", "iconv"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8 (it is UTF-16)", "save it as UTF-8"),
        (b"a,b\n1,\x002\n", "sales.csv, line 2: a NUL byte", "import a CSV"),
    ],
)
def test_a_csv_fault_is_named_with_its_line_and_cure(
    import_file: Import, text: bytes | str, message: str, hint: str
) -> None:
    problem = import_file(text, "sales.csv")
    assert problem["status"] == 422
    assert message in problem["detail"]
    assert hint in problem["hint"]


def test_a_fault_far_down_is_found_in_a_large_file(import_file: Import) -> None:
    rows = [f"{number},x" for number in range(200_000)]
    rows[150_000] += ",surplus"
    problem = import_file("a,b\n" + "\n".join(rows), "long.csv")
    assert "line 150002: 3 values" in problem["detail"]
    rows[150_000] = "1,caf\xe9"
    problem = import_file(("a,b\n" + "\n".join(rows)).encode("latin-1"), "long.csv")
    assert "line 150002: the text is not UTF-8" in problem["detail"]


def test_json_lines(import_file: Import) -> None:
    text = '{"a": 1, "b": "x", "y": 0}\n\n{"b": "y", "a": 2.5, "y": 1}\n{"a": null, "y": 1}\n'
    found = import_file(text, "rows.jsonl")
    assert kinds(found) == {"a": "number", "b": "category", "y": "number"}
    assert [column["missing"] for column in found["columns"]] == [1, 1, 0]
    assert found["label"] == "y"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('{"a": 1}\n{"a": }\n', "rows.jsonl, line 2: not JSON", "mend"),
        ('{"a": 1}\n{"a": "x"}\n', "line 2: column 'a' holds a string, and a number in", "type"),
        ("[1, 2]\n", "rows.jsonl, line 1: not a JSON object", "one object a line"),
        ('[\n{"a": 1}\n]\n', "rows.jsonl, line 1: not JSON", "one object a line"),
        ('{"a": {"b": 1}}\n', "column 'a' holds struct", "leave it out"),
        ('{"a": [1, 2]}\n', "column 'a' holds list", "leave it out"),
        (b'{"a": "\xff"}\n', "line 1: the text is not UTF-8", "iconv"),
    ],
)
def test_a_json_fault_is_named_with_its_line_and_cure(
    import_file: Import, text: bytes | str, message: str, hint: str
) -> None:
    problem = import_file(text, "rows.jsonl")
    assert message in problem["detail"]
    assert hint in problem["hint"]


TABLE = pa.table(
    {
        "small": pa.array([1, 2, None], pa.int8()),
        "large": pa.array([2**64 - 1, 1, 2], pa.uint64()),
        "half": pa.array([0.5, 1.5, None], pa.float32()),
        "money": pa.array([None, 1, 2], pa.decimal128(10, 2)),
        "word": pa.array(["a", "b", "a"]).dictionary_encode(),
        "flag": pa.array([True, None, False]),
        "day": pa.array([0, 1, 2], pa.date32()),
        "nothing": pa.nulls(3),
    }
)


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (parquet(TABLE), "t.parquet"),
        (arrow(TABLE), "t.arrow"),
        (arrow(TABLE, pa.ipc.new_stream), "t.arrows"),
        (parquet(TABLE), "named-wrongly.csv"),
    ],
)
def test_columnar_files_give_the_few_normal_types(
    import_file: Import, content: bytes, filename: str
) -> None:
    found = import_file(content, filename)
    assert {column["name"]: (column["type"], column["kind"]) for column in found["columns"]} == {
        "small": ("int64", "number"),
        "large": ("double", "number"),
        "half": ("double", "number"),
        "money": ("double", "number"),
        "word": ("string", "category"),
        "flag": ("bool", "boolean"),
        "day": ("date32[day]", "time"),
        "nothing": ("double", "number"),
    }
    assert found["preview"][1]["day"] == "1970-01-02"


def test_the_index_that_pandas_adds_is_left_out(import_file: Import) -> None:
    table = pa.table({"a": [1, 2], "__index_level_0__": [7, 8]})
    assert list(kinds(import_file(parquet(table), "t.parquet"))) == ["a"]


@pytest.mark.parametrize("make", [parquet, arrow])
@pytest.mark.parametrize("damage", ["cut", "scrambled"])
def test_a_damaged_columnar_file_is_refused(
    import_file: Import, make: Callable[[pa.Table], bytes], damage: str
) -> None:
    content = make(TABLE)
    half = len(content) // 2
    cut = content[:half]
    scrambled = content[: half // 2] + bytes(64) + content[half // 2 + 64 : -32] + b"\xff" * 32
    problem = import_file(cut if damage == "cut" else scrambled, "t.parquet")
    assert problem["code"] == "invalid"
    assert "t.parquet cannot be read as" in problem["detail"]


@pytest.mark.parametrize(
    ("images", "shape", "kind"),
    [
        (np.zeros((4, 6, 5), np.int64), [1, 6, 5], "uint8"),
        (np.zeros((4, 6, 5, 3)), [3, 6, 5], "float"),
        (np.full((4, 3, 6, 5), 300), [3, 6, 5], "float"),
        (np.zeros((4, 6, 5), bool), [1, 6, 5], "uint8"),
    ],
)
def test_arrays_of_images_are_put_channels_first(
    import_file: Import, images: np.ndarray[Any, Any], shape: list[int], kind: str
) -> None:
    found = import_file(npz(x=images, y=np.arange(4)), "pictures.npz")
    column = found["columns"][0]
    assert (column["name"], column["shape"], column["type"]) == ("x", shape, kind)
    assert found["label"] == "y"


def test_a_matrix_becomes_a_column_for_each_of_its_columns(import_file: Import) -> None:
    content = npz(x=np.eye(3), target=np.array(["a", "b", "a"]), z=np.ones((3, 1)))
    found = import_file(content, "matrix.npz")
    assert list(kinds(found)) == ["x_0", "x_1", "x_2", "target", "z"]
    assert (found["label"], found["task"]) == ("target", "classification")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(x=np.zeros(3), y=np.zeros(4)), "'x' has 3, 'y' has 4"),
        (npz(x=np.zeros((2, 3, 4, 5, 6))), "which is no image"),
        (npz(x=np.array(3.0)), "is a single value"),
        (npz(x=np.zeros(3, complex)), "holds complex128"),
        (npz(x=np.array([b"\xff", b"a"])), "not UTF-8"),
        (npz(x=np.zeros(0)), "has no rows"),
    ],
)
def test_an_npz_fault_is_named_with_its_array(
    import_file: Import, content: bytes, message: str
) -> None:
    assert message in import_file(content, "arrays.npz")["detail"]


def test_a_header_that_asks_for_more_memory_than_the_file_has_is_refused(
    import_file: Import,
) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", member)
    assert "more than the file holds" in import_file(buffer.getvalue(), "bomb.npz")["detail"]


def test_a_small_file_that_unpacks_to_many_gigabytes_is_refused_unread(import_file: Import) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(40):
            archive.writestr(f"{number}.npy", bytes(1_000_000))
    told = buffer.getvalue().replace((1_000_000).to_bytes(4, "little"), b"\xf0\xff\xff\xff")
    problem = import_file(told, "bomb.npz")
    assert problem["code"] == "too-large"
    assert "unpacks to" in problem["detail"]


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


@pytest.mark.parametrize("name", ["x.pkl", "x.csv", "x.parquet", "x.npz", "x.arrow", "x"])
def test_a_pickle_is_refused_under_any_name_and_never_run(
    import_file: Import, tmp_path: Path, name: str
) -> None:
    canary = tmp_path / "canary"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        problem = import_file(pickle.dumps(Touch(canary), protocol), name)
        assert "pickle" in problem["detail"]
        assert "Parquet" in problem["hint"]
    assert not canary.exists()


def test_an_array_of_objects_is_refused_and_never_unpickled(
    import_file: Import, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    problem = import_file(npz(x=np.array([Touch(canary)], dtype=object)), "objects.npz")
    assert "never unpickled" in problem["detail"]
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "name", "hint"),
    [
        (b"\x1f\x8b\x08\0\0\0", "a.csv.gz", "gunzip"),
        (b"\x93NUMPY\x01\x00v\x00{}", "a.npy", "numpy.savez"),
        (b"SQLite format 3\0", "a.db", "CSV"),
        (b"no parquet", "a.parquet", "right name"),
        (b"PK\x03\x04 nothing", "a.zip", "whole"),
    ],
)
def test_a_foreign_format_is_named_with_a_way_out(
    import_file: Import, content: bytes, name: str, hint: str
) -> None:
    problem = import_file(content, name)
    assert problem["code"] == "invalid"
    assert hint in problem["hint"]


def test_an_excel_workbook_is_known_by_its_content(import_file: Import) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "Excel" in import_file(buffer.getvalue(), "sheet.csv")["detail"]


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
