"""The mirror: sends what a job writes in its folder on a node, as it is written.

Event files and logs only grow: what is new of them is sent. Any other file is sent whole when it
has changed, and put in place in one move. A checkpoint that is gone is taken away there, too.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.launch.nodes.frames import CHUNK_BYTES, Message

#: What belongs to the node: orders, and what its supervisor keeps for itself.
_OWN = frozenset(
    {
        "beats", "exit.json", "launch.json", "lock", "meeting.json", "ranks.json", "reserve",
        "source", "spec.json", "started.json", "stop.json",
    }
)  # fmt: skip
_GROWING = ("tb", "log")
_FLEETING = ("checkpoints",)

Send = Callable[[Message, bytes], None]
Stamp = tuple[int, int, int]


@dataclass
class _Sent:
    """What is known of a file there: which inode, how much of it, when it was written."""

    stamp: Stamp
    offset: int = 0


class Mirror:
    """Sends the changes of a folder."""

    def __init__(self, folder: Path, send: Send) -> None:
        self._folder = folder
        self._send = send
        self._sent: dict[str, _Sent] = {}

    def skip_what_is_there(self) -> None:
        """Count all that is there now as known."""
        for path in self._files():
            if stamp := _stamp(self._folder / path):
                self._sent[path] = _Sent(stamp, stamp[1])

    def look(self) -> None:
        """Send what has changed since the last look."""
        found = list(self._files())
        for path in found:
            with contextlib.suppress(FileNotFoundError):
                self._compare(path)
        self._take_away(set(found))

    def _files(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self._folder):
            place = Path(folder)
            if place == self._folder:
                folders[:] = [name for name in folders if name not in _OWN]
                names = [name for name in names if name not in _OWN]
            for name in names:
                if not name.startswith(".") and not name.endswith(".pipe"):
                    yield str((place / name).relative_to(self._folder))

    def _compare(self, path: str) -> None:
        stamp = _stamp(self._folder / path)
        known = self._sent.get(path)
        if stamp is None or (known and known.stamp == stamp):
            return
        if path.split("/", 1)[0] in _GROWING:
            self._send_rest(path, known, stamp)
        else:
            self._send_whole(path)
        self._sent[path] = _Sent(stamp, stamp[1])

    def _send_rest(self, path: str, known: _Sent | None, stamp: Stamp) -> None:
        """Send what was added; a file that was begun anew is added whole."""
        offset = known.offset if known and known.stamp[0] == stamp[0] else 0
        with (self._folder / path).open("rb") as file:
            file.seek(offset)
            left = stamp[1] - offset
            while left > 0 and (content := file.read(min(CHUNK_BYTES, left))):
                self._send({"is": "more", "path": path}, content)
                left -= len(content)

    def _send_whole(self, path: str) -> None:
        with (self._folder / path).open("rb") as file:
            while content := file.read(CHUNK_BYTES):
                self._send({"is": "part", "path": path}, content)
        self._send({"is": "whole", "path": path}, b"")

    def _take_away(self, found: set[str]) -> None:
        for path in [path for path in self._sent if path not in found]:
            del self._sent[path]
            if path.split("/", 1)[0] in _FLEETING:
                self._send({"is": "gone", "path": path}, b"")


def _stamp(path: Path) -> Stamp | None:
    """Inode, size and time of a regular file."""
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    regular = stat.S_ISREG(found.st_mode)
    return (found.st_ino, found.st_size, found.st_mtime_ns) if regular else None


class Arriving:
    """The other side: puts what arrives in its place below a folder.

    A path that would lead out of the folder, or into what belongs to this side, is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def take(self, message: Message, content: bytes) -> None:
        """Take one frame of a mirror, or of whoever lays out a job.

        Raises
        ------
        ValueError
            When the path leads elsewhere.
        """
        path = self._resolved(str(message["path"]))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.arriving")
        kind = message["is"]
        if kind == "more":
            _append(path, content)
        elif kind == "part":
            _append(temporary, content)
        elif kind == "whole":
            temporary.touch(mode=0o600)
            temporary.replace(path)
        elif kind == "gone":
            path.unlink(missing_ok=True)

    def _resolved(self, path: str) -> Path:
        names = Path(path).parts
        if not names or Path(path).is_absolute() or ".." in names or names[0] in _OWN:
            raise ValueError(f"a node may not write '{path}'")
        target = self._folder.joinpath(*names)
        if self._folder not in target.parent.resolve().parents and (
            target.parent.resolve() != self._folder
        ):
            raise ValueError(f"a node may not write '{path}': it leads out of the job's folder")
        return target


def _append(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
        file.write(content)
