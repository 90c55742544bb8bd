"""TensorBoard event files, written without TensorBoard, at most a quarter second late.

A file is a row of TFRecords, each payload an ``Event`` in the protobuf wire format:

    Event    1 wall_time double · 2 step int64 · 3 file_version string · 5 summary · 7 session_log
    Summary  1 value, see ``summaries``

What is logged is encoded into a buffer; a thread writes it out. So logging never waits for a disk.
The buffer has an end: what comes when it is full is dropped, counted and told.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import google_crc32c
import numpy.typing as npt

from aimass_jupyter.training import summaries, wire

FLUSH_SECONDS = 0.25
FLUSH_BYTES = 64 << 10
#: What waits in memory at most, half a million points: no program falls to what it logs.
MOST_WAITING_BYTES = 32 << 20
_VERSION = b"brain.Event:2"
_SESSION_START = b"\x08\x01"  # SessionLog.status = START
_START = struct.Struct("<cdc")
_FLOAT = struct.Struct("<f")
_CHECKSUM = struct.Struct("<I")
_SMALL = [wire.varint(step) for step in range(1 << 14)]

Array = npt.NDArray[Any]
logger = logging.getLogger("aimass.tracking")


class Sink(Protocol):
    """What takes the bytes of an event file, in their order."""

    def write(self, block: bytearray) -> int:
        """Take some bytes from the beginning of a block; returns how many it took.

        Raises
        ------
        OSError
            When it takes none just now.
        """

    def rest(self) -> None:
        """Called when all that was logged is taken, several times a second."""

    def close(self) -> None: ...


class EventWriter:
    """Appends to an event file of its own; a thread writes out what was logged.

    A full disk holds points back until there is room again, and raises at the end if there is none.
    More than ``MOST_WAITING_BYTES`` are not held back.

    Parameters
    ----------
    target
        The folder that the file is made in, or what takes the bytes of one.
    first_step
        Readers forget what earlier files of the folder say from this step on.

    Attributes
    ----------
    dropped
        How many points, images and the like there was no room for.
    """

    def __init__(self, target: Path | Sink, first_step: int = 0) -> None:
        again = isinstance(target, Path) and any(target.glob("*tfevents*"))
        self._sink = _File(target) if isinstance(target, Path) else target
        now = time.time()
        self._pending = bytearray(wire.record(encode_event(now, 0, wire.message(3, _VERSION))))
        if first_step or again:
            start = encode_event(now, first_step, wire.message(7, _SESSION_START))
            self._pending += wire.record(start)
        self.dropped = 0
        self._heads: dict[str, bytes] = {}
        self._headers: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._woken = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._flush_often, name="events", daemon=True)
        self._thread.start()

    def add(self, tag: str, value: float, step: int) -> None:
        """Append one point; NaN and infinity stay what they are."""
        # Written out, not composed of the functions of `wire`: a loop may call it each step.
        head = self._heads.get(tag) or self._head(tag)
        number = _SMALL[step] if 0 <= step < len(_SMALL) else wire.varint(step)
        try:
            tail = _FLOAT.pack(value)
        except OverflowError:
            tail = wire.float32(value)
        payload = _START.pack(b"\x09", time.time(), b"\x10") + number + head + tail
        header = self._headers.get(len(payload)) or self._header(len(payload))
        crc = google_crc32c.value(payload)
        masked = _CHECKSUM.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
        with self._lock:
            if len(self._pending) < MOST_WAITING_BYTES:
                self._pending += header + payload + masked
            else:
                self._drop()
        if len(self._pending) > FLUSH_BYTES:
            self._woken.set()

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Append how values are distributed."""
        self._append(summaries.histogram(tag, values), step)

    def image(self, tag: str, pixels: Array, step: int) -> None:
        """Append an image: (height, width) or (height, width, channels)."""
        self._append(summaries.image(tag, pixels), step)

    def text(self, tag: str, words: str, step: int) -> None:
        """Append a text."""
        self._append(summaries.text(tag, words), step)

    def pr_curve(self, tag: str, rows: Array, step: int) -> None:
        """Append a precision-recall curve, see :func:`summaries.pr_curve`."""
        self._append(summaries.pr_curve(tag, rows), step)

    def begin(self, params: Mapping[str, Any], group: str) -> None:
        """Note the hyperparameters of the run."""
        self._append(summaries.session_start(params, group, time.time()), 0, always=True)

    def end(self, *, succeeded: bool) -> None:
        """Note that the run has ended."""
        self._append(summaries.session_end(time.time(), succeeded=succeeded), 0, always=True)

    def flush(self) -> None:
        """Write out what was logged so far.

        Raises
        ------
        OSError
            When the disk does not take it; it stays pending.
        """
        with self._writing:
            while block := self._taken():
                self._write(block)

    def close(self) -> None:
        """Write out what is left.

        Raises
        ------
        OSError
            When the disk does not take it.
        """
        if self._closing:
            return
        self._closing = True
        self._woken.set()
        self._thread.join()
        if self.dropped:
            logger.warning("%d of the things that were logged were dropped", self.dropped)
        try:
            self.flush()
        finally:
            self._sink.close()

    def _append(self, value: bytes, step: int, *, always: bool = False) -> None:
        """Append a summary of one value."""
        summary = wire.message(5, wire.message(1, value))
        record = wire.record(encode_event(time.time(), step, summary))
        with self._lock:
            if always or len(self._pending) + len(record) <= MOST_WAITING_BYTES:
                self._pending += record
            else:
                self._drop()
        if len(self._pending) > FLUSH_BYTES:
            self._woken.set()

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            logger.warning(
                "what is logged from now on is dropped: %d MB that could not be written wait in "
                "memory; what is logged when they are written is kept again",
                MOST_WAITING_BYTES >> 20,
            )

    def _head(self, tag: str) -> bytes:
        """What stands between the step and the value of a point."""
        head = wire.message(5, wire.message(1, summaries.scalar(tag, 0.0)))[:-4]
        self._heads[tag] = head
        return head

    def _header(self, size: int) -> bytes:
        self._headers[size] = wire.header(size)
        return self._headers[size]

    def _flush_often(self) -> None:
        while not self._closing:
            self._woken.wait(FLUSH_SECONDS)
            self._woken.clear()
            try:
                self.flush()
                self._sink.rest()
            except OSError:  # full just now; what is pending stays pending
                time.sleep(FLUSH_SECONDS)

    def _taken(self) -> bytearray:
        """What is pending, which is nothing then."""
        with self._lock:
            block, self._pending = self._pending, bytearray()
        return block

    def _write(self, block: bytearray) -> None:
        """Write a block; what the disk does not take is pending again."""
        try:
            while block:
                del block[: self._sink.write(block)]
        except OSError:
            with self._lock:
                self._pending = block + self._pending
            raise


def encode_scalar(wall_time: float, tag: str, value: float, step: int) -> bytes:
    """Return an ``Event`` with one scalar."""
    point = wire.message(1, summaries.scalar(tag, value))
    return encode_event(wall_time, step, wire.message(5, point))


def encode_event(wall_time: float, step: int, what: bytes) -> bytes:
    """Return an ``Event``; ``what`` is its one remaining field."""
    return wire.double(1, wall_time) + wire.integer(2, step) + what


class _File:
    """A new event file in a folder, that is nobody's yet."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _create(folder)

    def write(self, block: bytearray) -> int:
        return os.write(self._descriptor, block)

    def rest(self) -> None:
        """A file needs no sign of life."""

    def close(self) -> None:
        os.close(self._descriptor)


def _create(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    while True:
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        with contextlib.suppress(FileExistsError):  # two within a microsecond
            return os.open(folder / name, flags, 0o600)
