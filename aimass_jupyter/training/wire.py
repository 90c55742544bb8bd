"""The protobuf wire format and the framing of event files, as far as writing them needs.

Pure functions over bytes; what a message means is told in ``summaries``.
"""

from __future__ import annotations

import struct

import google_crc32c

_MASK = 0xA282EAD8
_64_BITS = 2**64 - 1


def record(payload: bytes) -> bytes:
    """Return a TFRecord: length, its masked CRC-32C, payload, its masked CRC-32C."""
    return header(len(payload)) + payload + checksum(payload)


def header(size: int) -> bytes:
    """Return what stands before a payload of so many bytes."""
    length = struct.pack("<Q", size)
    return length + checksum(length)


def checksum(content: bytes) -> bytes:
    """Return the masked CRC-32C of some bytes."""
    crc = google_crc32c.value(content)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK) & 0xFFFFFFFF)


def message(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes, a text, or a message."""
    return key(number, 2) + varint(len(content)) + content


def text(number: int, content: str) -> bytes:
    """Return a field that holds a text."""
    return message(number, content.encode())


def integer(number: int, value: int) -> bytes:
    """Return a field that holds an integer or an enumeration."""
    return key(number, 0) + varint(value)


def double(number: int, value: float) -> bytes:
    """Return a field that holds a double."""
    return key(number, 1) + struct.pack("<d", value)


def doubles(number: int, values: list[float]) -> bytes:
    """Return a packed field of doubles."""
    return message(number, struct.pack(f"<{len(values)}d", *values))


def single(number: int, value: float) -> bytes:
    """Return a field that holds a float; what is too large for one becomes infinite."""
    return key(number, 5) + float32(value)


def float32(value: float) -> bytes:
    """Return the bytes of a float; what is too large for one becomes infinite."""
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def key(number: int, wire_type: int) -> bytes:
    """Return the key of a field."""
    return varint(number << 3 | wire_type)


def varint(value: int) -> bytes:
    """Return an integer of 64 bits, seven bits a byte."""
    value &= _64_BITS
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
