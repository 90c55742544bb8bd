"""Watching folders: who waits for a job's files to grow is woken in that moment, by the kernel.

One inotify instance serves all who wait; it exists while somebody does. Where the kernel does not
tell (a network file system, too many watches), waiting ends by its timeout, so nothing is lost.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_MODIFY, _MOVED_TO, _CREATE = 0x002, 0x080, 0x100
_ONLY_FOLDERS = 0x01000000
_EVENT = struct.Struct("iIII")
_READ_BYTES = 64 << 10


class Watch:
    """One who waits for changes in some folders."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something changed."""
        self._changed.set()

    async def changed(self, seconds: float) -> bool:
        """Wait for a change since the last time; False when there was none for so long."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._changed.clear()
        return True


class Watches:
    """All who wait, and the one inotify instance that serves them."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._watchers: dict[int, set[Watch]] = {}

    @contextmanager
    def watching(self, *folders: Path) -> Iterator[Watch]:
        """Watch folders for as long as the block runs; one that is not there yet is left out."""
        watch = Watch()
        self._open()
        added = [number for folder in folders if (number := self._add(folder)) >= 0]
        for number in added:
            self._watchers.setdefault(number, set()).add(watch)
        try:
            yield watch
        finally:
            for number in added:
                self._drop(number, watch)
            if not self._watchers:
                self._close()

    def _open(self) -> None:
        if self._descriptor < 0:
            self._descriptor = self._libc.inotify_init1(_NONBLOCK_CLOEXEC)
            if self._descriptor >= 0:
                asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _close(self) -> None:
        if self._descriptor >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            # in a thread: the kernel takes some 15 ms over it, and all others would wait
            loop.run_in_executor(None, os.close, self._descriptor)
            self._descriptor = -1

    def _add(self, folder: Path) -> int:
        """Watch a folder; the same folder has the same number again, -1 is one that cannot be."""
        if self._descriptor < 0:
            return -1
        mask = _MODIFY | _MOVED_TO | _CREATE | _ONLY_FOLDERS
        number: int = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
        return number

    def _drop(self, number: int, watch: Watch) -> None:
        watchers = self._watchers.get(number, set())
        watchers.discard(watch)
        if not watchers:
            self._watchers.pop(number, None)
            self._libc.inotify_rm_watch(self._descriptor, number)

    def _read(self) -> None:
        """Tell those who watch a folder in which something happened."""
        try:
            content = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        for number in set(_numbers(content)):
            for watch in self._watchers.get(number, ()):
                watch.tell()


def _numbers(content: bytes) -> Iterator[int]:
    """The watches that a stretch of inotify events is about."""
    position = 0
    while position < len(content):
        number, _mask, _cookie, size = _EVENT.unpack_from(content, position)
        yield number
        position += _EVENT.size + size
