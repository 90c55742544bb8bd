"""Event files made by hand, byte by byte: records, events and points."""

from __future__ import annotations

import struct
from pathlib import Path

import google_crc32c

NAME = "events.out.tfevents.1700000000.node"


def masked_crc(data: bytes) -> int:
    checksum = google_crc32c.value(data)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) % 2**32


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return (
        length
        + struct.pack("<I", masked_crc(length))
        + payload
        + struct.pack("<I", masked_crc(payload))
    )


def varint(number: int) -> bytes:
    number %= 2**64
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def delimited(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def scalar(tag: str, value: float) -> bytes:
    return delimited(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def event(step: int, *values: bytes, time: float = 1_700_000_000.0) -> bytes:
    summary = b"".join(delimited(1, value) for value in values)
    return b"\x09" + struct.pack("<d", time) + b"\x10" + varint(step) + delimited(5, summary)


def point(step: int, value: float, tag: str = "loss") -> bytes:
    """A whole record that carries one point."""
    return record(event(step, scalar(tag, value)))


VERSION = record(b"\x09" + struct.pack("<d", 1.0) + delimited(3, b"brain.Event:2"))


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
