"""The framing of event files (TFRecord): cuts records from bytes, finds the next one after damage.

Pure functions over bytes; no file is opened here and no record is understood.

A record is its length (8 bytes, little-endian), the masked CRC-32C of the length, the payload, and
the masked CRC-32C of the payload.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

import google_crc32c

HEADER_BYTES: Final = 12
FOOTER_BYTES: Final = 4
MAX_PAYLOAD_BYTES: Final = 64 << 20

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_ZEROS = b"\0\0\0\0"
_NOT_ZERO = re.compile(rb"[^\0]")


@dataclass(frozen=True)
class Whole:
    """A record that is there and sound; ``end`` is where the next one begins."""

    payload: bytes
    end: int


@dataclass(frozen=True)
class Short:
    """The record may be sound but is not all there yet: it needs so many bytes from its start."""

    size: int


@dataclass(frozen=True)
class Damaged:
    """What stands here is no record, or one whose bytes were changed."""


def cut(block: bytes, start: int) -> Whole | Short | Damaged:
    """Take the record that begins at ``start``."""
    if len(block) - start < HEADER_BYTES:
        return Short(HEADER_BYTES)
    length = _length_at(block, start)
    if length is None:
        return Damaged()
    body, end = start + HEADER_BYTES, start + HEADER_BYTES + length + FOOTER_BYTES
    if end > len(block):
        return Short(end - start)
    payload = block[body : body + length]
    (checksum,) = _FOOTER.unpack_from(block, body + length)
    return Whole(payload, end) if checksum == masked_crc(payload) else Damaged()


def find_header(block: bytes, start: int) -> int | None:
    """Where the next believable header begins, at or after ``start``.

    The upper half of a length is always zero, so only places with four zero bytes are looked at;
    a stretch of zeros (what a crash leaves of a file) is jumped over.
    """
    while (zeros := block.find(_ZEROS, start + 4)) >= 0:
        candidate = zeros - 4
        if candidate + HEADER_BYTES > len(block):
            return None
        if _length_at(block, candidate) is not None:
            return candidate
        start = candidate + 1
        if block[candidate:zeros] == _ZEROS:
            following = _NOT_ZERO.search(block, zeros)
            if following is None:
                return None
            start = max(start, following.start() - 3)
    return None


def masked_crc(data: bytes) -> int:
    """CRC-32C, turned and shifted as TFRecord wants it."""
    checksum = google_crc32c.value(data)
    return int((((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _length_at(block: bytes, start: int) -> int | None:
    """The length in a header, if the header is sound; no record is empty."""
    length, checksum = _HEADER.unpack_from(block, start)
    sound = checksum == masked_crc(block[start : start + 8])
    return length if sound and 0 < length <= MAX_PAYLOAD_BYTES else None
