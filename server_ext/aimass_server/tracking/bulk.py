"""Many records at once: the points of a block of an event file, with NumPy, columns straight away.

It gives exactly what ``records`` and ``summaries`` give record by record, only sooner, or it leaves
a record to them: it takes records up to the first that it is not sure of. It opens no file.

A block's headers are found all at once (the upper bytes of a length are zero, and the length's
checksum is looked up); they count when each record ends where the next begins. Records of one
length that differ in time, step and value alone are read as columns. A CRC is linear: that of a
record is the CRC of the first one of its kind, changed by what each byte that differs adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import google_crc32c
import numpy as np
import numpy.typing as npt

from aimass_server.tracking.records import FOOTER_BYTES, HEADER_BYTES
from aimass_server.tracking.summaries import Malformed, read_points

LONGEST: Final = 512  # bytes of a payload that is read here; longer ones are read one by one
_LENGTHS: Final = 1 << 16
_KINDS: Final = 64  # kinds of record of one length that are read as columns
_MASK: Final = np.uint32(0xA282EAD8)
_POLYNOMIAL: Final = 0x82F63B78
_OVERHEAD: Final = HEADER_BYTES + FOOTER_BYTES

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]
#: Of a curve: record, place among the record's points, step, time, value.
_Part = tuple[Array, ...]


@dataclass
class Stretch:
    """Points of one curve, column-wise; ``places`` counts the points of the block."""

    tag: str
    places: Array
    steps: Array
    times: Array
    values: Array

    def extent(self) -> tuple[float, float, int]:
        """The lowest and the highest finite value, and how many are finite."""
        finite = self.values[np.isfinite(self.values)]
        if not finite.size:
            return 0.0, 0.0, 0
        return float(finite.min()), float(finite.max()), finite.size


@dataclass
class Taken:
    """What was read of a block: bytes and records from its start on, and their points."""

    end: int = 0
    records: int = 0
    points: int = 0
    stretches: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True)
class _Layout:
    """Where a point's parts are in the payload of its record."""

    tag: str
    step_at: int
    step_bytes: int

    def free(self, size: int) -> Array:
        """Which bytes of a payload may differ between points of one curve: not its form."""
        free = np.zeros(size, np.bool_)
        free[1:9] = free[-4:] = True
        free[self.step_at : self.step_at + self.step_bytes] = True
        return free


class Headers:
    """The places of a block that look like the start of a record."""

    def __init__(self, block: bytes) -> None:
        self.block = np.frombuffer(block, np.uint8)
        self.raw = block
        self.starts = _find_starts(self.block)
        low, high = self.block[self.starts], self.block[self.starts + 1]
        self.sizes = low.astype(np.int64) | high.astype(np.int64) << 8

    def chain(self, position: int) -> tuple[Array, Array]:
        """Starts and payload sizes of the whole records that follow each other from a position."""
        first = int(np.searchsorted(self.starts, position))
        starts, sizes = self.starts[first:], self.sizes[first:]
        if not len(starts) or starts[0] != position:
            return starts[:0], sizes[:0]
        ends = starts + sizes + _OVERHEAD
        count = _leading(ends[:-1] == starts[1:]) + 1
        count -= int(ends[count - 1] > len(self.block))
        return starts[:count], sizes[:count]


def read(headers: Headers, position: int) -> Taken:
    """Read the records from a position on, up to the first that must be looked at alone."""
    starts, sizes = headers.chain(position)
    count = len(starts)
    while True:
        reading = _Reading(headers, starts[:count], sizes[:count])
        sound = reading.run()
        if sound == count:
            end = int(starts[count - 1] + sizes[count - 1]) + _OVERHEAD if count else position
            return Taken(end, count, *reading.points())
        count = sound  # rare: once more, without the bad record and what follows it


class _Reading:
    """The reading of records whose places are known."""

    def __init__(self, headers: Headers, starts: Array, sizes: Array) -> None:
        self._headers = headers
        self._starts = starts
        self._sizes = sizes
        self._sound = len(starts)
        self._counts = np.ones(len(starts), np.int64)
        self._parts: dict[str, list[_Part]] = {}

    def run(self) -> int:
        """Read all; return how many records from the first on are sound."""
        for size in np.flatnonzero(np.bincount(self._sizes)):
            group = np.flatnonzero(self._sizes == size)
            if size <= LONGEST:
                group = self._read_group(group, int(size))
            for record in group:
                self._read_alone(int(record))
        return self._sound

    def points(self) -> tuple[int, list[Stretch]]:
        """How many points there are, and each curve's in the order of their places."""
        before = np.cumsum(self._counts) - self._counts
        found = [_joined(tag, parts, before) for tag, parts in self._parts.items()]
        return int(self._counts.sum()), found

    def _read_group(self, group: Array, size: int) -> Array:
        """Read the records of one length; return those that are left to be read alone."""
        rows = self._rows(group, size)
        for _ in range(_KINDS):
            layout = _layout(rows[0, :size].tobytes())
            if layout is None:
                alike = np.zeros(len(rows), np.bool_)
                alike[0] = True
                self._read_alone(int(group[0]))
            else:
                alike = self._read_alike(group, rows, size, layout)
            if alike.all():
                return group[:0]
            group, rows = group[~alike], rows[~alike]
        return group

    def _rows(self, group: Array, size: int) -> Bytes:
        """Payload and checksum of records of one length, a row each."""
        windows = np.lib.stride_tricks.sliding_window_view(self._headers.block, size + FOOTER_BYTES)
        rows: Bytes = windows[self._starts[group] + HEADER_BYTES]
        return rows

    def _read_alike(self, group: Array, rows: Bytes, size: int, layout: _Layout) -> Array:
        """Read the records that are like the first one; return which they are."""
        same = rows[:, :size] == rows[0, :size]
        constant = same.all(axis=0)
        fixed = ~layout.free(size)
        alike = np.ones(len(rows), np.bool_)
        if not constant[fixed].all():
            alike = same[:, fixed].all(axis=1)
        _drop_other_steps(alike, rows, layout)
        if not alike.all():
            rows, group = rows[alike], group[alike]
        crc = _checksums(rows, size, np.flatnonzero(~constant))
        stored = _numbers(rows, size, "<u4")
        times = _numbers(rows, 1, "<f8")
        bad = (crc != stored) | ~np.isfinite(times)
        if bad.any():
            self._sound = min(self._sound, int(group[bad][0]))
        values = _numbers(rows, size - 4, "<f4").astype(np.float64)
        within = np.zeros(len(group), np.int64)
        part = (group, within, _steps(rows, layout), times, values)
        self._parts.setdefault(layout.tag, []).append(part)
        return alike

    def _read_alone(self, record: int) -> None:
        """Read a record as the plain reader does."""
        start = int(self._starts[record]) + HEADER_BYTES
        end = start + int(self._sizes[record])
        payload = self._headers.raw[start:end]
        stored = int.from_bytes(self._headers.raw[end : end + FOOTER_BYTES], "little")
        try:
            points = read_points(payload)
        except Malformed:
            points = None
        if points is None or stored != int(_masked(np.uint32(google_crc32c.value(payload)))):
            self._sound = min(self._sound, record)
            return
        self._counts[record] = len(points)
        for at, point in enumerate(points):
            columns = (record, at, point.step, point.time, point.value)
            self._parts.setdefault(point.tag, []).append(tuple(np.array([c]) for c in columns))


def _joined(tag: str, parts: list[_Part], before: Array) -> Stretch:
    """The parts of one curve as one, in the order of the records."""
    records, within, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    places = before[records] + within
    if len(parts) > 1:
        order = np.argsort(places, kind="stable")
        places, *columns = (column[order] for column in (places, *columns))
    return Stretch(tag, places, *columns)


def _find_starts(block: Bytes) -> Array:
    """The places where a sound header of a record under 64 kB stands."""
    usable = len(block) - HEADER_BYTES + 1
    if usable <= 0:
        return np.zeros(0, np.int64)
    zero = block == 0
    pair = zero[:-1] & zero[1:]
    six = pair[:-4] & pair[2:-2] & pair[4:]  # the upper bytes of a length
    starts = np.flatnonzero(six[2 : usable + 2])
    sizes = block[starts].astype(np.int64) | block[starts + 1].astype(np.int64) << 8
    stored = _numbers_at(block, starts + 8)
    sound: Array = starts[(stored == _header_checksums()[sizes]) & (sizes > 0)]
    return sound


def _layout(payload: bytes) -> _Layout | None:
    """The layout of an event that is one point and nothing else; None for any other."""
    if len(payload) < 20 or payload[0] != 0x09 or payload[9] != 0x10:
        return None
    after_step = _after_varint(payload, 10)
    at = _entered(payload, _entered(payload, after_step, 0x2A), 0x0A)
    if at is None or after_step is None or payload[at : at + 1] != b"\x0a":
        return None
    size, at = _small(payload, at + 1)
    if not 0 < size == len(payload) - 5 - at or payload[at + size] != 0x15:
        return None
    tag = payload[at : at + size].decode(errors="replace")
    return _Layout(tag, 10, after_step - 10)


def _entered(payload: bytes, at: int | None, key: int) -> int | None:
    """Where the content of a field begins that fills the rest of the payload."""
    if at is None or payload[at : at + 1] != bytes([key]):
        return None
    size, at = _small(payload, at + 1)
    return at if size == len(payload) - at else None


def _small(payload: bytes, at: int) -> tuple[int, int]:
    """A varint of at most two bytes, and what follows; -1 for another."""
    pair = payload[at : at + 2]
    if len(pair) == 2 and pair[0] < 0x80:
        return pair[0], at + 1
    if len(pair) == 2 and pair[1] < 0x80:
        return pair[0] & 0x7F | pair[1] << 7, at + 2
    return -1, at


def _after_varint(payload: bytes, at: int) -> int | None:
    for end in range(at, min(at + 10, len(payload))):
        if payload[end] < 0x80:
            return end + 1
    return None


def _drop_other_steps(alike: Array, rows: Bytes, layout: _Layout) -> None:
    """A step of fewer or more bytes shifts all that follows: such a record is of another kind."""
    last = layout.step_at + layout.step_bytes - 1
    for at in range(layout.step_at, last + 1):
        alike &= (rows[:, at] < 0x80) == (at == last)


def _steps(rows: Bytes, layout: _Layout) -> Array:
    steps = np.zeros(len(rows), np.uint64)
    for at in range(layout.step_bytes):
        low = (rows[:, layout.step_at + at] & 0x7F).astype(np.uint64)
        steps |= low << np.uint64(7 * at)
    return steps.view(np.int64)


def _checksums(rows: Bytes, size: int, changing: Array) -> Array:
    """The masked CRC of each row's payload; the columns that never change are as in the first."""
    crc = np.full(len(rows), google_crc32c.value(rows[0, :size].tobytes()), np.uint32)
    tables = _tables()
    for at in changing:
        table = tables[size - 1 - at]
        crc ^= (table ^ table[rows[0, at]])[rows[:, at]]
    masked: Array = _masked(crc)
    return masked


def _masked(crc: Any) -> Any:
    with np.errstate(over="ignore"):
        return (crc >> np.uint32(15) | crc << np.uint32(17)) + _MASK


@cache
def _tables() -> Array:
    """What a byte adds to a CRC-32C, by its distance from the end of the message."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(table & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    tables = np.empty((LONGEST, 256), np.uint32)
    tables[0] = table
    for distance in range(1, LONGEST):
        nearer = tables[distance - 1]
        tables[distance] = (nearer >> np.uint32(8)) ^ table[nearer & 0xFF]
    return tables


@cache
def _header_checksums() -> Array:
    """The masked CRC of each length under 64 kB, as eight bytes."""
    lengths = np.arange(_LENGTHS)
    tables = _tables()
    empty = np.uint32(google_crc32c.value(bytes(8)))
    masked: Array = _masked(empty ^ tables[7][lengths & 0xFF] ^ tables[6][lengths >> 8])
    return masked


def _numbers(rows: Bytes, at: int, form: str) -> Array:
    """The number that stands at one place of each row."""
    width = np.dtype(form).itemsize
    numbers: Array = np.ascontiguousarray(rows[:, at : at + width]).view(form)[:, 0]
    return numbers


def _numbers_at(block: Bytes, places: Array) -> Array:
    """The four-byte numbers at places of a block."""
    windows = np.lib.stride_tricks.sliding_window_view(block, 4)
    numbers: Array = np.ascontiguousarray(windows[places]).view("<u4")[:, 0]
    return numbers


def _leading(truths: Array) -> int:
    """How many are true before the first that is not."""
    return len(truths) if truths.all() else int(truths.argmin())
