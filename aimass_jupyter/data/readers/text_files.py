"""A ZIP file of text files: a row a file, labelled by its folder. None is written to the disk."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge
from aimass_jupyter.data.readers.limits import check_bytes

SUFFIXES = (".txt", ".text", ".md")
MAX_FILES = 1_000_000
MAX_FILE_BYTES = 16 << 20


def read_text_files(path: Path, filename: str) -> pa.Table:
    """Read a table of ``text``, ``label`` where files are in several folders, and ``file``.

    Folders that all files have in common name no class.

    Raises
    ------
    InvalidRequest
        Naming the file that is no text, is not UTF-8, is locked or damaged.
    TooLarge
        When there are too many, or one is too long.
    """
    with zipfile.ZipFile(path) as archive:
        members = sorted(_files(archive), key=lambda member: member.filename)
        _check(filename, members)
        texts = [_read(filename, archive, member) for member in members]
    names = [PurePosixPath(member.filename) for member in members]
    labels = _labels(names)
    columns = {"text": texts, "file": [str(name) for name in names]}
    return pa.table(columns | ({"label": labels} if len(set(labels)) > 1 else {}))


def holds_texts(names: Sequence[str]) -> bool:
    """Whether a ZIP file of these names is one of text files."""
    return any(name.lower().endswith(SUFFIXES) for name in names)


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """All but folders and what systems leave in them."""
    return [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not any(part.startswith((".", "__MACOSX")) for part in member.filename.split("/"))
    ]


def _check(filename: str, members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES:
        raise TooLarge(
            f"{filename} has {len(members):,} files, over the limit of {MAX_FILES:,}",
            "import a part of them",
        )
    check_bytes(filename, sum(member.file_size for member in members))
    for member in members:
        if not holds_texts([member.filename]):
            raise InvalidRequest(
                f"{filename} holds text files, and '{member.filename}', which is none",
                f"leave it out; text files end in {', '.join(SUFFIXES)}",
            )
        if member.file_size > MAX_FILE_BYTES:
            raise TooLarge(
                f"{filename}: '{member.filename}' has {member.file_size:,} bytes, "
                f"over the limit of {MAX_FILE_BYTES:,}",
                "cut it into parts",
            )


def _read(filename: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    try:
        return archive.read(member).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InvalidRequest(
            f"{filename}: '{member.filename}' is not UTF-8 (byte 0x{byte:02x})",
            "convert it: iconv -f latin1 -t utf-8",
        ) from None
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InvalidRequest(
            f"{filename}: '{member.filename}' cannot be read: {error}",
            "pack it again, without a password",
        ) from None


def _labels(names: Sequence[PurePosixPath]) -> list[str | None]:
    """The first folder of each file below those that all share; nothing for a file in none."""
    folders = [name.parts[:-1] for name in names]
    shared = 0
    while all(len(one) > shared for one in folders) and len({one[shared] for one in folders}) == 1:
        shared += 1
    return [one[shared] if len(one) > shared else None for one in folders]
