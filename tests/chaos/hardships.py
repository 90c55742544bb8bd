"""Hardships of a machine: a small disk that is filled, a group of processes with little memory.

Both need root; each says why where it cannot be had, and then the storm goes without it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DISK_BYTES = 96 << 20
_MEMORY = Path("/sys/fs/cgroup/memory")
_END_SECONDS = 60.0  # what imports its libraries looks up only then


class SmallDisk:
    """A disk of its own below a folder: what is full there is full nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.why_not = ""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        options = f"size={_DISK_BYTES},mode=700"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.why_not = "mounting a small disk needs root"

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Take every byte that is free, and give them back."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        try:
            yield
        finally:
            filler.unlink()

    def close(self) -> None:
        """Take it away."""
        if not self.why_not:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


class MemoryGroup:
    """A control group (version 1) whose memory can be made short."""

    def __init__(self) -> None:
        self._folder = _MEMORY / f"aimass-chaos-{os.getpid()}"
        self.why_not = ""
        try:
            self._folder.mkdir()
        except OSError:
            self.why_not = f"a memory group below {_MEMORY} needs root and cgroup v1"

    def take(self, pid: int) -> None:
        """Put a process into it, and all that it will start."""
        if not self.why_not:
            (self._folder / "cgroup.procs").write_text(str(pid))

    @contextmanager
    def short_by(self, more_bytes: int) -> Iterator[None]:
        """Let it have only so much more than it uses now."""
        limit = self._folder / "memory.limit_in_bytes"
        used = int((self._folder / "memory.usage_in_bytes").read_text())
        limit.write_text(str(used + more_bytes))
        try:
            yield
        finally:
            limit.write_text("-1")

    def close(self) -> list[str]:
        """Take it away; returns what still runs in it, when it should all have ended."""
        if self.why_not:
            return []
        deadline = time.monotonic() + _END_SECONDS
        while (left := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not left:
            self._folder.rmdir()
        return left

    def _processes(self) -> list[str]:
        """The commands of what runs in it."""
        commands = []
        for pid in (self._folder / "cgroup.procs").read_text().split():
            with suppress(OSError):  # it ended meanwhile
                commands.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        return [command.replace(b"\0", b" ").decode() for command in commands]
