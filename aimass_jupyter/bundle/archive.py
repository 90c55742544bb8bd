"""The ZIP container, in the one form that bundles have. It knows bytes and never their meaning.

The form is the plainest that the ZIP application note (PKWARE APPNOTE 6.3.3) allows: members are
stored, in a given order, with a fixed date, no extra fields, no comments, no gaps, no ZIP64. Each
header therefore follows from name, size, CRC-32 and offset alone, and the reader compares it with
the header that the writer would have written, instead of interpreting what a stranger put there.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge

MAX_BUNDLE_BYTES = 2 * 1024**3  # of content, as ONNX itself allows
_MAX_FILE_BYTES = MAX_BUNDLE_BYTES + 1024**2
CHUNK_BYTES = 1 << 20

_VERSION = 20  # of the ZIP format: plain files
_DATE = (1 << 5) | 1  # 1980-01-01, the first day that ZIP knows
_UNIX_FILE = (3 << 8) | _VERSION
_MODE = 0o100600 << 16  # a regular file, for its owner

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


@dataclass(frozen=True)
class Member:
    """Where a member lies in the file."""

    name: str
    size: int
    crc: int
    offset: int

    @property
    def start(self) -> int:
        """Where its bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where the next header begins."""
        return self.start + self.size

    def local_header(self) -> bytes:
        """What stands before its bytes."""
        fields = (_VERSION, 0, 0, 0, _DATE, self.crc, self.size, self.size, len(self.name), 0)
        return _LOCAL.pack(b"PK\x03\x04", *fields) + self.name.encode("ascii")

    def central_header(self) -> bytes:
        """Its entry in the directory at the end of the file."""
        fields = (_UNIX_FILE, _VERSION, 0, 0, 0, _DATE, self.crc, self.size, self.size)
        tail = (len(self.name), 0, 0, 0, 0, _MODE, self.offset)
        return _CENTRAL.pack(b"PK\x01\x02", *fields, *tail) + self.name.encode("ascii")


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the container of these members, in this order.

    Raises
    ------
    TooLarge
        When the members together exceed ``MAX_BUNDLE_BYTES``.
    """
    size = sum(map(len, members.values()))
    if size > MAX_BUNDLE_BYTES:
        raise _too_large("the content of the bundle", size)
    parts: list[bytes] = []
    placed: list[Member] = []
    offset = 0
    for name, content in members.items():
        member = Member(name, len(content), zlib.crc32(content), offset)
        parts += (member.local_header(), content)
        placed.append(member)
        offset = member.end
    return b"".join((*parts, _directory(placed)))


def locate(file: BinaryIO, names: Sequence[str]) -> list[Member]:
    """Find the members of an open container, which must be these, in this order.

    Raises
    ------
    InvalidRequest
        When the file is not in the form that ``pack`` writes.
    TooLarge
        When it is over ``MAX_BUNDLE_BYTES``.
    """
    size = os.fstat(file.fileno()).st_size
    if size > _MAX_FILE_BYTES:
        raise _too_large(_name(file), size)
    length = len(_directory([Member(name, 0, 0, 0) for name in names]))
    if size < length:
        raise _not_a_bundle(file, f"it has {size:,} bytes")
    directory = _read_at(file, size - length, length)
    members = list(_members(directory, names))
    if members[-1].end != size - length or _directory(members) != directory:
        raise _not_a_bundle(file, f"its directory does not list exactly {', '.join(names)}")
    for member in members:
        header = member.local_header()
        if _read_at(file, member.offset, len(header)) != header:
            raise _not_a_bundle(file, f"the header of {member.name} is another one")
    return members


def read_member(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield the bytes of a member, chunk by chunk, and check its CRC at the end."""
    crc, left = 0, member.size
    file.seek(member.start)
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise _not_a_bundle(file, f"{member.name} was cut short")
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
        yield chunk
    if crc != member.crc:
        raise _not_a_bundle(file, f"{member.name} is damaged (its CRC-32 is wrong)")


def _members(directory: bytes, names: Sequence[str]) -> Iterator[Member]:
    """Read sizes and checksums where they must stand; offsets follow from the sizes."""
    position = offset = 0
    for name in names:
        fields = _CENTRAL.unpack_from(directory, position)
        member = Member(name, size=fields[9], crc=fields[7], offset=offset)
        yield member
        position, offset = position + _CENTRAL.size + len(name), member.end


def _directory(members: Sequence[Member]) -> bytes:
    """The entries of all members and the record that ends the file."""
    entries = b"".join(member.central_header() for member in members)
    count, start = len(members), members[-1].end
    return entries + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(entries), start, 0)


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _name(file: BinaryIO) -> str:
    return Path(file.name).name


def _too_large(what: str, size: int) -> TooLarge:
    return TooLarge(
        f"{what} has {size:,} bytes, over the limit of {MAX_BUNDLE_BYTES:,}",
        "train a smaller network",
    )


def _not_a_bundle(file: BinaryIO, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"{_name(file)} is not a bundle: {reason}",
        "download it again, unchanged: a bundle that was unpacked and packed anew is refused",
    )
