"""ZIP files of text files: a row a file, the folder its label; what is none of that is named."""

from __future__ import annotations

import io
import zipfile

import pytest

from aimass_jupyter.data import open_dataset
from aimass_jupyter.data.readers import text_files
from tests.data.conftest import Import


def packed(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def news(top: str = "") -> dict[str, str | bytes]:
    """Made here: 30 files in two folders."""
    topics = {"sports": "the team won match number", "politics": "the house voted on law"}
    return {
        f"{top}{topic}/{number:02}.txt": f"{words} {number}\nas was said — today"
        for topic, words in topics.items()
        for number in range(15)
    }


@pytest.mark.parametrize("top", ["", "news/", "old/news/"])
def test_a_folder_a_class(import_file: Import, top: str) -> None:
    files = news(top) | {"__MACOSX/._x": b"\xff", f"{top}.DS_Store": b"\xff", f"{top}sports/": ""}
    found = import_file(packed(files), "news.zip")
    assert found["rows"] == 30
    assert {column["name"]: column["kind"] for column in found["columns"]} == {
        "text": "text", "file": "identifier", "label": "category",
    }  # fmt: skip
    assert (found["label"], found["task"]) == ("label", "classification")
    rows = open_dataset(found["folder"] / "data.arrow").to_pylist()
    assert rows[0] == {
        "text": "the house voted on law 0\nas was said — today",
        "file": f"{top}politics/00.txt",
        "label": "politics",
    }
    assert [row["label"] for row in rows] == ["politics"] * 15 + ["sports"] * 15


def test_files_of_one_folder_have_no_label(import_file: Import) -> None:
    found = import_file(
        packed({f"notes/{n}.md": f"a note of number {n}" for n in range(3)}), "n.zip"
    )
    assert [column["name"] for column in found["columns"]] == ["text", "file"]
    assert found["label"] is None


def test_a_file_in_no_folder_has_no_class(import_file: Import) -> None:
    found = import_file(packed(news() | {"readme.txt": "what all this is about"}), "news.zip")
    assert [column["missing"] for column in found["columns"]] == [0, 0, 1]


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ({"sports/a.jpg": b"\xff\xd8"}, "and 'sports/a.jpg', which is none", "leave it out"),
        ({"sports/a.txt": b"caf\xe9"}, "'sports/a.txt' is not UTF-8 (byte 0xe9)", "iconv"),
    ],
)
def test_what_is_no_text_is_named(
    import_file: Import, more: dict[str, str | bytes], message: str, hint: str
) -> None:
    problem = import_file(packed(news() | more), "news.zip")
    assert message in problem["detail"]
    assert hint in problem["hint"]


def test_a_damaged_file_is_named(import_file: Import) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # stored as it is
        archive.writestr("a/1.txt", "so and so")
    broken = buffer.getvalue().replace(b"so and so", b"so and sx")
    problem = import_file(broken, "news.zip")
    assert "'a/1.txt' cannot be read: Bad CRC-32" in problem["detail"]


def test_too_much_is_refused_before_it_is_read(
    import_file: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "MAX_FILE_BYTES", 1000)
    problem = import_file(packed(news() | {"sports/long.txt": "word " * 1000}), "news.zip")
    assert problem["code"] == "too-large"
    assert "'sports/long.txt' has 5,000 bytes" in problem["detail"]
    monkeypatch.setattr(text_files, "MAX_FILES", 5)
    assert "has 30 files" in import_file(packed(news()), "news.zip")["detail"]


def test_another_zip_is_refused(import_file: Import) -> None:
    problem = import_file(packed({"a.exe": b"MZ"}), "x.zip")
    assert "neither NumPy arrays nor text files" in problem["detail"]
