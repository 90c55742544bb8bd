"""Frames: what leader and agent say: a line of JSON, and as many bytes as it says."""

from __future__ import annotations

import json
import threading
from typing import IO, Any

CHUNK_BYTES = 1 << 20
LINE_BYTES = 1 << 24  # a longer line is no frame of ours

Message = dict[str, Any]


class FrameWriter:
    """Writes frames; several threads may."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, message: Message, content: bytes = b"") -> None:
        """Write one frame, whole.

        Raises
        ------
        OSError
            When nobody reads any more.
        """
        head = message | {"bytes": len(content)} if content else message
        with self._lock:
            self._stream.write(json.dumps(head).encode() + b"\n" + content)
            self._stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[Message, bytes] | None:
    """Read one frame; None at the end.

    Raises
    ------
    ValueError
        When it is none of ours: a login message, say.
    """
    line = stream.readline(LINE_BYTES)
    if not line:
        return None
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"not a frame: {line[:200]!r}")
    size = int(message.pop("bytes", 0))
    content = stream.read(size)
    return None if len(content) < size else (message, content)
