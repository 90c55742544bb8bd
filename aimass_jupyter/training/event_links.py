"""Event files that a script writes where it likes: linked to where a job's curves are read.

A link is the same file under a second name, so what is appended later is seen at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path
from types import TracebackType

from aimass_jupyter.host import files_below

SCAN_SECONDS = 0.5
_PREFIX = "events.out.tfevents."


class EventLinks:
    """Looks for new event files as long as it is open.

    Parameters
    ----------
    work
        The folder in which a script runs.
    target
        Where the job's event files are.
    """

    def __init__(self, work: Path, target: Path, *, active: bool) -> None:
        self._work = work
        self._target = target
        self._linked: set[Path] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="event-links", daemon=True)
        self._active = active

    def link_new(self) -> None:
        """Link the event files that were not seen before."""
        for path in files_below(self._work, f"{_PREFIX}*"):
            if path not in self._linked and path.is_file() and not path.is_symlink():
                self._linked.add(path)
                self._link(path)

    def _link(self, path: Path) -> None:
        """The folder's name goes behind the file's: names begin as event files must."""
        folder = path.parent.relative_to(self._work).as_posix()
        suffix = "" if folder == "." else "." + re.sub(r"[^A-Za-z0-9_-]+", "-", folder)
        self._target.mkdir(exist_ok=True, parents=True)
        with contextlib.suppress(OSError):  # there already, or on another disk
            os.link(path, self._target / f"{path.name}{suffix}"[:250])

    def _look(self) -> None:
        while not self._closing.wait(SCAN_SECONDS):
            with contextlib.suppress(OSError):  # a folder that went away under our hands
                self.link_new()

    def __enter__(self) -> EventLinks:
        if self._active:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            self._closing.set()
            self._thread.join()
            self.link_new()
