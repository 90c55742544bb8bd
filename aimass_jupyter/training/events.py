"""TensorBoard event files, written without TensorBoard: scalars only, a quarter second late.

A file is a row of TFRecords (length, masked CRC-32C of it, payload, masked CRC-32C of that), each
payload an ``Event`` in the protobuf wire format:

    Event    1 wall_time double · 2 step int64 · 3 file_version string · 5 summary · 7 session_log
    Summary  1 value: 1 tag string · 2 simple_value float
"""

from __future__ import annotations

import math
import os
import socket
import struct
import threading
import time
from pathlib import Path

import google_crc32c

FLUSH_SECONDS = 0.25
_VERSION = b"brain.Event:2"
_SESSION_START = b"\x08\x01"  # SessionLog.status = START
_MASK = 0xA282EAD8


class EventWriter:
    """Appends scalars to an event file of its own; a thread writes them out.

    A full disk holds points back until there is room again, and raises at the end if there is none.

    Parameters
    ----------
    folder
        Where the file is made.
    first_step
        Above 0: readers forget what earlier files of the folder say from this step on.
    """

    def __init__(self, folder: Path, first_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(folder / name, flags, 0o600)
        self._pending = bytearray(encode_record(encode_event(now, 0, _bytes_field(3, _VERSION))))
        if first_step:
            start = encode_event(now, first_step, _bytes_field(7, _SESSION_START))
            self._pending += encode_record(start)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_often, name="events", daemon=True)
        self._thread.start()

    def add(self, tag: str, value: float, step: int) -> None:
        """Append one point; NaN and infinity stay what they are."""
        record = encode_record(encode_scalar(time.time(), tag, value, step))
        with self._lock:
            self._pending += record

    def close(self) -> None:
        """Write out what is left.

        Raises
        ------
        OSError
            When the disk does not take it.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        try:
            self._flush()
        finally:
            os.close(self._descriptor)

    def _flush_often(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self._flush()
            except OSError:  # full just now; what is pending stays pending
                continue

    def _flush(self) -> None:
        while True:
            with self._lock:
                block = bytes(self._pending)
            if not block:
                return
            written = os.write(self._descriptor, block)
            with self._lock:
                del self._pending[:written]


def encode_scalar(wall_time: float, tag: str, value: float, step: int) -> bytes:
    """Return an ``Event`` with one scalar."""
    content = _bytes_field(1, tag.encode()) + _key(2, 5) + _float32(value)
    return encode_event(wall_time, step, _bytes_field(5, _bytes_field(1, content)))


def encode_event(wall_time: float, step: int, what: bytes) -> bytes:
    """Return an ``Event``; ``what`` is its one remaining field."""
    return _key(1, 1) + struct.pack("<d", wall_time) + _key(2, 0) + _varint(step) + what


def encode_record(payload: bytes) -> bytes:
    """Return a TFRecord."""
    length = struct.pack("<Q", len(payload))
    return length + _checksum(length) + payload + _checksum(payload)


def _float32(value: float) -> bytes:
    """Four bytes; what is too large for them is infinite."""
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value))


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK) & 0xFFFFFFFF)


def _bytes_field(number: int, content: bytes) -> bytes:
    return _key(number, 2) + _varint(len(content)) + content


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
