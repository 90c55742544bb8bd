"""What each format gives as a dataset, and what is said of a file that cannot be read."""

from __future__ import annotations

import gc
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aimass_jupyter.data import described_columns, open_dataset
from tests.data.making import CSV, arrow, kinds, npz, parquet

Import = Callable[..., dict[str, Any]]


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
    gc.collect()  # what other tests left behind is not to go just now
    before = pa.total_allocated_bytes()
    table = open_dataset(found["folder"] / "data.arrow")
    assert table.num_rows == 3
    assert pa.total_allocated_bytes() <= before
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
