"""Tails the event files of a job: reads new bytes alone, checks them, survives damage.

A tail that is not all there yet waits. Damage in the middle costs the damaged records and no more:
it is noted as a gap and reading goes on at the next sound record. It writes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aimass_jupyter.contract.job_course import Curves, Gap
from aimass_jupyter.contract.runs import MetricSummary
from aimass_server.tracking.curves import Points, decode_cursor, encode_cursor, joined, merged
from aimass_server.tracking.records import HEADER_BYTES, Damaged, Short, Whole, cut, find_header
from aimass_server.tracking.summaries import Malformed, Point, read_points

PREFIX = "events.out.tfevents."
MAX_GAPS = 100
_BLOCK_BYTES = 1 << 20
_BULK_BYTES = 2048
_FEW_RECORDS = 64
_LONGEST_PAUSE = 1024
_NOT_A_FILE_OF_OURS = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EACCES)


class EventFile:
    """One event file and the points read from it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points = Points()
        self.gaps: list[Gap] = []
        self._offset = 0
        self._wanted = HEADER_BYTES

    def read_new(self) -> None:
        """Take the records that were finished since the last call."""
        try:
            with _opened(self.path) as descriptor:
                while descriptor is not None and self._grown(descriptor):
                    block = os.pread(descriptor, max(self._wanted, _BLOCK_BYTES), self._offset)
                    if len(block) < self._wanted:  # it was cut short under our hands
                        return
                    self._take(block)
        finally:
            self.points.settle()

    def _grown(self, descriptor: int) -> bool:
        return os.fstat(descriptor).st_size - self._offset >= self._wanted

    def _take(self, block: bytes) -> None:
        """Take the records of a block, up to the first that is not all there."""
        bulk = _Bulk(block) if len(block) >= _BULK_BYTES else None
        position = 0
        while True:
            if bulk is not None:
                position = bulk.read(position, self.points)
            found = cut(block, position)
            if isinstance(found, Short):
                break
            end = self._end(block, position, found)
            if isinstance(found, Damaged) or not self._add(found.payload):
                self._note_gap(self._offset + position, self._offset + end)
            position = end
        self._offset += position
        self._wanted = found.size

    def _end(self, block: bytes, position: int, found: Whole | Damaged) -> int:
        """Where to go on: behind the record, or at the next header that can be believed."""
        if isinstance(found, Whole):
            return found.end
        header = find_header(block, position + 1)
        return max(position + 1, len(block) - HEADER_BYTES + 1) if header is None else header

    def _add(self, payload: bytes) -> bool:
        try:
            points = read_points(payload)
        except Malformed:
            return False
        for point in points:
            self.points.add(point)
        return True

    def _note_gap(self, start: int, end: int) -> None:
        """Note damage; a gap grows while no sound record follows it, or when there are too many."""
        last = self.gaps[-1] if self.gaps else None
        if last and (last.offset + last.size_bytes == start or len(self.gaps) == MAX_GAPS):
            start = last.offset
            self.gaps.pop()
        self.gaps.append(Gap(offset=start, size_bytes=end - start))


class _Bulk:
    """Reads many records of a block at once, where that is sooner.

    After stretches that it could take little of, it keeps out of the way for longer and longer.
    """

    def __init__(self, block: bytes) -> None:
        from aimass_server.tracking import bulk, compiled  # NumPy, when it is needed

        if compiled.load() is not None:
            self._read = partial(compiled.read, block)
        else:
            self._read = partial(bulk.read, bulk.Headers(block))
        self._pause = self._pauses = 0

    def read(self, position: int, points: Points) -> int:
        """Take in records from a position on; return where to go on."""
        if self._pause:
            self._pause -= 1
            return position
        taken = self._read(position)
        points.extend(taken)
        few = taken.records < _FEW_RECORDS
        self._pauses = min(2 * self._pauses + 1, _LONGEST_PAUSE) if few else 0
        self._pause = self._pauses
        return taken.end


class EventFileReader:
    """The curves of all event files in a folder. May be used from several threads.

    Parameters
    ----------
    folder
        Need not exist yet; when it is deleted, what was read stays.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, EventFile] = {}
        self._lock = threading.Lock()

    def read_new(self) -> None:
        """Read what was written since the last call; blocks on the disk."""
        with self._lock:
            for name in sorted(self._names() - self._files.keys()):
                self._files[name] = EventFile(self.folder / name)
            for file in self._files.values():
                file.read_new()

    def series_since(self, cursor: str = "", max_points: int | None = None) -> Curves:
        """The points that the holder of ``cursor`` does not have, and every gap known so far.

        Parameters
        ----------
        max_points
            Of a curve not more than so many; what is left out keeps every peak and gap.

        Raises
        ------
        InvalidRequest
            When the cursor is not one of ours.
        """
        with self._lock:
            files = list(self._files.values())
            sizes = [len(file.points) for file in files]
            given = decode_cursor(cursor, sizes)
            stretches = [
                series
                for file, count in zip(files, given, strict=True)
                for series in file.points.since(count, max_points)
            ]
            gaps = [gap for file in files for gap in file.gaps]
        return Curves(series=joined(stretches, max_points), gaps=gaps, cursor=encode_cursor(sizes))

    def summaries(self) -> dict[str, MetricSummary]:
        """What is known of each curve without its points."""
        with self._lock:
            parts: dict[str, list[MetricSummary]] = {}
            for file in self._files.values():
                for tag, column in file.points.columns.items():
                    parts.setdefault(tag, []).append(column.summary())
        return {tag: merged(summaries) for tag, summaries in parts.items()}

    def ends(self, tag: str) -> tuple[Point, Point] | None:
        """The first point of a curve in the newest file that has it, and the last."""
        with self._lock:
            columns = [
                f.points.columns[tag] for f in self._files.values() if tag in f.points.columns
            ]
            if not columns:
                return None
            steps, times, values = columns[-1].steps, columns[-1].times, columns[-1].values
            first, last = (Point(tag, steps[i], times[i], values[i]) for i in (0, -1))
            return first, last

    def _names(self) -> set[str]:
        try:
            return {path.name for path in self.folder.glob(f"{PREFIX}*")}
        except (FileNotFoundError, NotADirectoryError):
            return set()


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A descriptor of a regular file; None when it is gone, or a link, a pipe, a folder."""
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno not in _NOT_A_FILE_OF_OURS:
            raise
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)
