"""Logs: what the started processes say, pumped into files that have a cap.

The processes write into pipes and a thread here reads them, so that a file never grows past its
cap, a full disk never stops a writer, and the last lines are known even when neither could be
kept. It never changes what is written.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable
from pathlib import Path

CAP_BYTES = 64 * 1024 * 1024
TAIL_LINES = 20
_TAIL_BYTES = 16 * 1024
_LINE_LENGTH = 500
_CHUNK_BYTES = 1 << 16
_HELD_BYTES = 1 << 18


class CappedLog:
    """A log file that stops growing at its cap, says so to ``tell``, and remembers its end."""

    def __init__(
        self,
        path: Path,
        cap_bytes: int = CAP_BYTES,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._cap_bytes = cap_bytes
        self._tell = tell
        self._name = path.stem
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._written = os.fstat(self._descriptor).st_size
        self._full = self._written >= cap_bytes
        self._tail = b""
        self._held = b""  # what the disk did not take: it may yet
        self._missed = 0  # bytes that were too many to hold

    def write(self, content: bytes) -> None:
        """Keep what still fits; say once when no more does."""
        self._tail = (self._tail + content)[-_TAIL_BYTES:]
        if self._full:
            return
        kept = content[: max(0, self._cap_bytes - self._written - len(self._held))]
        self._append(kept)
        if len(kept) < len(content):
            self._append(f"\n[aimass] log cut here: it reached {self._cap_bytes} bytes\n".encode())
            self._full = True
            self._tell(
                f"the log of {self._name} was cut: it reached {self._cap_bytes:,} bytes, "
                "and what came after is not kept"
            )

    def _append(self, content: bytes) -> None:
        """Write it after what the disk did not take before; hold what it does not take now."""
        waiting = self._held + content
        self._held = waiting[self._put(waiting) :]
        self._missed += max(0, len(self._held) - _HELD_BYTES)
        self._held = self._held[:_HELD_BYTES]
        if self._missed and not self._held:
            note = f"\n[aimass] {self._missed} bytes are missing here: the disk was full\n"
            self._held, self._missed = note.encode(), 0

    def _put(self, content: bytes) -> int:
        """Write to the file; how much it took."""
        count = 0
        try:
            while count < len(content):
                count += os.write(self._descriptor, content[count:])
        except OSError:  # the disk is full: the job matters more than its log, the tail is kept
            pass
        self._written += count
        return count

    @property
    def tail(self) -> str:
        """The end of all that was written, also of what the file could not take."""
        return self._tail.decode(errors="replace")

    def last_lines(self) -> list[str]:
        """The last lines that hold something, each cut to a length that a face can show."""
        lines = [line[:_LINE_LENGTH] for line in self.tail.splitlines() if line.strip()]
        return lines[-TAIL_LINES:]

    def close(self) -> None:
        """Write what is still held, if the disk takes it by now."""
        self._append(b"")
        self._append(b"")  # a note that the one before had to make
        os.close(self._descriptor)


class LogPump:
    """A thread that reads pipes into logs."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._named_pipes: list[Path] = []
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add_pipe(self, log: CappedLog) -> int:
        """Return the writing end of a new pipe, for children; close it when they have ended."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        self._watch(reader, log)
        return writer

    def add_named_pipe(self, path: Path, log: CappedLog) -> None:
        """Make a pipe that other processes open by its path."""
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        self._named_pipes.append(path)
        # Opened for writing too, so that it never reports an end while writers come and go.
        self._watch(os.open(path, os.O_RDWR | os.O_CLOEXEC), log)

    def _watch(self, descriptor: int, log: CappedLog) -> None:
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, log)

    def _run(self) -> None:
        while self._pass(None):
            pass

    def _pass(self, timeout: float | None) -> bool:
        """Read once from all that have something; False when asked to end, or nothing had any."""
        ready = self._selector.select(timeout)
        for key, _ in ready:
            if key.data is None:
                return False
            self._read(key)
        return bool(ready)

    def _read(self, key: selectors.SelectorKey) -> None:
        content = os.read(key.fd, _CHUNK_BYTES)
        if content:
            key.data.write(content)
        else:
            self._selector.unregister(key.fd)
            os.close(key.fd)

    def close(self) -> None:
        """Stop the thread, take what is still in the pipes, and remove those with a name."""
        if self._thread.ident is not None:
            os.write(self._wake_writer, b"x")
            self._thread.join()
        self._selector.unregister(self._wake_reader)
        while self._pass(0):
            pass
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        for path in self._named_pipes:
            path.unlink(missing_ok=True)


class ProcessLogs:
    """The logs of one supervision: the main one, and one for each rank of a job."""

    def __init__(
        self,
        main: Path,
        ranks: int,
        cap_bytes: int = CAP_BYTES,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        main.parent.mkdir(parents=True, exist_ok=True)
        self._pump = LogPump()
        self.main = CappedLog(main, cap_bytes, tell)
        self._ranks = [
            CappedLog(main.with_name(f"rank-{rank}.log"), cap_bytes, tell) for rank in range(ranks)
        ]
        for rank, log in enumerate(self._ranks):
            self._pump.add_named_pipe(main.with_name(f"rank-{rank}.pipe"), log)
        self._writer = self._pump.add_pipe(self.main)

    def start(self) -> None:
        """Begin to read, in a thread: whoever forks must do so before."""
        self._pump.start()

    @property
    def descriptor(self) -> int:
        """Where the started process writes."""
        return self._writer

    def say(self, text: str) -> None:
        """Add lines of our own to the main log."""
        os.write(self._writer, f"[aimass] {text}\n".encode())

    def of(self, rank: int | None) -> list[str]:
        """The last lines of a rank; the main log's when it is no rank or the rank said nothing."""
        lines = self._ranks[rank].last_lines() if rank is not None else []
        return lines or self.main.last_lines()

    def close(self) -> None:
        """Take the last of what was said; the last lines can still be asked for."""
        os.close(self._writer)
        self._pump.close()
        for log in (self.main, *self._ranks):
            log.close()
