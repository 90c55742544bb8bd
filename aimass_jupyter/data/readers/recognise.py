"""Which format a file has: by its first bytes, then by its name. It reads no more than those."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.readers.arrays import read_npz
from aimass_jupyter.data.readers.columnar import read_arrow_file, read_arrow_stream, read_parquet
from aimass_jupyter.data.readers.delimited import read_delimited
from aimass_jupyter.data.readers.jsonlines import read_json_lines
from aimass_jupyter.data.readers.text_files import holds_texts, read_text_files

Reader = Callable[[Path, str], pa.Table]

_HEAD_BYTES = 4096
_PICKLE_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")

_BINARY: tuple[tuple[bytes, Reader], ...] = (
    (b"PAR1", read_parquet),
    (b"ARROW1", read_arrow_file),
    (b"\xff\xff\xff\xff", read_arrow_stream),
)
_FOREIGN = (
    (b"\x1f\x8b", "compressed with gzip", "unpack it first: gunzip"),
    (b"BZh", "compressed with bzip2", "unpack it first: bunzip2"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it first: unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first: unzstd"),
    (b"\x93NUMPY", "a single NumPy array", "save features and label together: numpy.savez"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"\x89HDF", "an HDF5 file", "save the table as Parquet or CSV"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
)
_BINARY_NAMES = {
    ".parquet": "Parquet", ".arrow": "Arrow", ".feather": "Arrow", ".npz": "NumPy .npz",
}  # fmt: skip
_TEXT_NAMES = (".csv", ".tsv", ".txt", ".tab", ".data")
_JSON_NAMES = (".jsonl", ".ndjson", ".json")


def read_file(path: Path, filename: str) -> pa.Table:
    """Read a file in whichever known format it has.

    Parameters
    ----------
    path
        Where the bytes are.
    filename
        What people call the file; errors speak of it.

    Raises
    ------
    InvalidRequest
        When the format is unknown or the content is damaged; it says where.
    TooLarge
        When the table is over a limit.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise InvalidRequest(f"{filename} is empty", "import a file with a header and rows")
    return _reader(path, filename, head)(path, filename)


def _reader(path: Path, filename: str, head: bytes) -> Reader:
    _refuse_foreign(filename, head)
    if head.startswith(b"PK\x03\x04"):
        return _zip_reader(path, filename)
    for magic, reader in _BINARY:
        if head.startswith(magic):
            return reader
    suffix = Path(filename).suffix.lower()
    if suffix in _BINARY_NAMES:
        raise InvalidRequest(
            f"{filename} is not a {_BINARY_NAMES[suffix]} file, whatever its name says",
            "check that the file is whole, or give it its right name",
        )
    looks_like_json = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    if suffix in _JSON_NAMES or (looks_like_json and suffix not in _TEXT_NAMES):
        return read_json_lines
    return read_delimited


def _refuse_foreign(filename: str, head: bytes) -> None:
    if head.startswith(_PICKLE_PROTOCOLS):
        raise InvalidRequest(
            f"{filename} is a Python pickle, which runs code when it is opened, and is never read",
            "save the table as Parquet, CSV or .npz",
        )
    for magic, what, cure in _FOREIGN:
        if head.startswith(magic):
            raise InvalidRequest(f"{filename} is {what}, which is not read", cure)


def _zip_reader(path: Path, filename: str) -> Reader:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise InvalidRequest(
            f"{filename} is a damaged ZIP file: {error}", "check that the file is whole"
        ) from None
    if names and all(name.endswith(".npy") for name in names):
        return read_npz
    if any(name.startswith("xl/") for name in names):
        raise InvalidRequest(f"{filename} is an Excel workbook", "save the sheet as CSV")
    if holds_texts(names):
        return read_text_files
    raise InvalidRequest(
        f"{filename} is a ZIP file that holds neither NumPy arrays nor text files",
        "unpack it and import a file of it",
    )
