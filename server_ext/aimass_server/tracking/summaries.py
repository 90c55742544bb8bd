"""What an event file's records say: scalar points, read from the protobuf wire format by hand.

Of ``Event`` it reads wall_time (1), step (2) and summary (5); of a summary's values, tag (1) and
simple_value (2), or a tensor (8) that holds one float. Everything else is passed over.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT, _DOUBLE = 1, 2  # of tensorflow.DataType

Field = tuple[int, int, int | bytes]


class Point(NamedTuple):
    """One value of one curve; ``value`` may be NaN or infinite."""

    tag: str
    step: int
    time: float
    value: float


class Malformed(ValueError):
    """The bytes are no protobuf message, or one that no event can be."""


def read_points(event: bytes) -> list[Point]:
    """The points that an ``Event`` carries.

    Raises
    ------
    Malformed
        When it is no event.
    """
    step, time, summaries = 0, 0.0, []
    for number, wire, value in _fields(event):
        if number == 1 and wire == _FIXED64:
            time = _number("<d", value)
        elif number == 2 and wire == _VARINT:
            step = _signed(value)
        elif number == 5 and wire == _BYTES:
            summaries.append(_bytes(value))
    if not math.isfinite(time):
        raise Malformed("the time of an event is not finite")
    return [
        Point(tag, step, time, value) for summary in summaries for tag, value in _values(summary)
    ]


def _values(summary: bytes) -> Iterator[tuple[str, float]]:
    for number, wire, content in _fields(summary):
        if number == 1 and wire == _BYTES:
            tag, value = _value(_bytes(content))
            if tag and value is not None:
                yield tag, value


def _value(message: bytes) -> tuple[str, float | None]:
    tag, scalar = "", None
    for number, wire, content in _fields(message):
        if number == 1 and wire == _BYTES:
            tag = _bytes(content).decode(errors="replace")
        elif number == 2 and wire == _FIXED32:
            scalar = _number("<f", content)
        elif number == 8 and wire == _BYTES:
            scalar = _tensor(_bytes(content))
    return tag, scalar


def _tensor(message: bytes) -> float | None:
    """The one value of a tensor of floats; None for every other tensor."""
    kind, packed = 0, b""
    for number, wire, content in _fields(message):
        if number == 1 and wire == _VARINT:
            kind = _signed(content)
        elif number in (4, 5, 6) and wire in (_BYTES, _FIXED32, _FIXED64):
            packed += _bytes(content)
    form = {_FLOAT: "<f", _DOUBLE: "<d"}.get(kind)
    return _number(form, packed) if form and len(packed) == struct.calcsize(form) else None


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message: number, wire type, and an integer or the raw bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        reader = _READERS.get(key & 7)
        if reader is None or key >> 3 == 0:
            raise Malformed(f"there is no field with key {key}")
        value, position = reader(message, position)
        yield key >> 3, key & 7, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise Malformed("a varint is cut off")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise Malformed("a varint is longer than ten bytes")


def _stretch(message: bytes, start: int, size: int) -> tuple[bytes, int]:
    if start + size > len(message):
        raise Malformed("a field is cut off")
    return message[start : start + size], start + size


def _delimited(message: bytes, position: int) -> tuple[bytes, int]:
    size, position = _varint(message, position)
    return _stretch(message, position, size)


_READERS: dict[int, Callable[[bytes, int], tuple[int | bytes, int]]] = {
    _VARINT: _varint,
    _FIXED64: lambda message, position: _stretch(message, position, 8),
    _BYTES: _delimited,
    _FIXED32: lambda message, position: _stretch(message, position, 4),
}


def _signed(value: int | bytes) -> int:
    """A varint as the 64-bit two's complement that it stands for."""
    number = int(value) & (2**64 - 1)
    return number - 2**64 if number >= 2**63 else number


def _number(form: str, value: int | bytes) -> float:
    return float(struct.unpack(form, _bytes(value))[0])


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("a field has another type than its number")
    return value
