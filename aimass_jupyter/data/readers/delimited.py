"""CSV and its relatives: UTF-8, a header in the first line, one separator throughout.

Arrow reads the values; what Arrow refuses is read again, line by line, to say where the fault is.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.readers.limits import check_columns, check_names, unreadable

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 16 << 20  # the longest row that can be read
_COMMA_NUMBER = re.compile(r"^[+-]?\d+,\d+$")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


def read_delimited(path: Path, filename: str) -> pa.Table:
    """Read a table of separated values; types are taken from all rows.

    Raises
    ------
    InvalidRequest
        With the line, when the text is not UTF-8, the header is missing or doubled, or a row is
        longer or shorter than the header.
    """
    check_text(path, filename)
    delimiter = _delimiter(path)
    if _has_quotes(path) and (fault := _fault(path, filename, delimiter)):
        raise fault
    sample = list(islice(_rows(path, delimiter), _SAMPLE_ROWS))
    names = _header(filename, sample)
    try:
        table = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                decimal_point="," if _has_decimal_commas(delimiter, sample) else ".",
            ),
        )
    except pa.ArrowInvalid as error:
        fault = _fault(path, filename, delimiter)
        raise fault or unreadable(filename, "CSV", error) from None
    return _trimmed(table.rename_columns(names))


def check_text(path: Path, filename: str) -> None:
    """Refuse what is not UTF-8 text, naming the line.

    Raises
    ------
    InvalidRequest
        When a byte does not belong to UTF-8, or is NUL.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    for chunk, last in _chunks(path):
        if line == 1 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise _not_utf8(filename, 1, "it is UTF-16")
        try:
            text = decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            at = line + error.object[: error.start].count(b"\n")
            raise _not_utf8(filename, at, f"byte 0x{error.object[error.start]:02x}") from None
        if "\0" in text:
            at = line + text[: text.index("\0")].count("\n")
            raise InvalidRequest(
                f"{filename}, line {at}: a NUL byte; this is no text file",
                "import a CSV, JSON Lines, Parquet, Arrow or .npz file",
            )
        line += text.count("\n")


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk, False
    yield b"", True


def _not_utf8(filename: str, line: int, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"{filename}, line {line}: the text is not UTF-8 ({what})",
        f"save it as UTF-8, for example: iconv -f latin1 -t utf-8 {filename}",
    )


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """The rows, blank lines left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file, delimiter=delimiter):
            if row:
                yield row


def _delimiter(path: Path) -> str:
    """The separator that gives the most columns to as many rows as possible."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in islice(_rows(path, delimiter), _SAMPLE_ROWS)]
        except csv.Error:
            return 0, 0
        header = widths[0] if widths else 0
        return (widths.count(header), header) if header > 1 else (0, header)

    return max(_DELIMITERS, key=score)


def _header(filename: str, sample: list[list[str]]) -> list[str]:
    if not sample:
        raise InvalidRequest(f"{filename} is empty", "import a file with a header and rows")
    names = [name.strip() for name in sample[0]]
    check_columns(filename, len(names))
    if all(_NUMBER.match(name) for name in names):
        raise InvalidRequest(
            f"{filename}, line 1: there is no header; the line holds numbers ({sample[0][0]}, …)",
            "put the names of the columns into the first line",
        )
    check_names(filename, names)
    if len(sample) < 2:
        raise InvalidRequest(f"{filename} has a header and no rows", "import a file with rows")
    return names


def _has_decimal_commas(delimiter: str, sample: list[list[str]]) -> bool:
    """Whether numbers are written 1,5 as in much of Europe, where ';' separates the values."""
    cells = [cell.strip() for row in sample[1:] for cell in row]
    with_comma = any(_COMMA_NUMBER.match(cell) for cell in cells)
    with_point = any("." in cell and _NUMBER.match(cell) for cell in cells)
    return delimiter != "," and with_comma and not with_point


def _has_quotes(path: Path) -> bool:
    """Whether a quotation mark may be astray: Arrow takes whole rows for one value then."""
    return any(b'"' in chunk for chunk, _ in _chunks(path))


def _fault(path: Path, filename: str, delimiter: str) -> InvalidRequest | None:
    """The first row that does not fit its header."""
    line, width = 1, 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                width = width or len(row)
                if row and len(row) != width:
                    return _ragged(filename, line, len(row), width, delimiter)
                line = reader.line_num + 1
    except csv.Error as error:
        return InvalidRequest(
            f"{filename}, line {line}: {error}",
            "close the quotation mark that opens there, and double those inside a quoted value",
        )
    return None


def _ragged(filename: str, line: int, given: int, width: int, delimiter: str) -> InvalidRequest:
    sign = "tab" if delimiter == "\t" else f"'{delimiter}'"
    return InvalidRequest(
        f"{filename}, line {line}: {given} value{'s' * (given != 1)}, "
        f"and the header names {width} column{'s' * (width != 1)}",
        f"quote values that hold a {sign}" if given > width else "fill the row up, or take it out",
    )


def _trimmed(table: pa.Table) -> pa.Table:
    """Blanks around words mean nothing in a CSV file, and hide from Arrow what a word is."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            trimmed = pc.utf8_trim_whitespace(table.column(place))
            if not trimmed.equals(table.column(place)):
                table = table.set_column(place, field.name, _settled(trimmed))
    return table


def _settled(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """See words that say that there is none, or say yes or no, once they are trimmed."""
    missing = pc.is_in(words, pa.array(pa.csv.ConvertOptions().null_values))
    present = pc.if_else(missing, None, words)
    lower = pc.utf8_lower(present.drop_null())
    if len(lower) and pc.all(pc.is_in(lower, pa.array(["true", "false"]))).as_py():
        return present.cast(pa.bool_())
    return present
