"""Frames: how the gateway and a replica speak over a stream socket.

It owns the encoding alone and never reads or writes a socket. A frame is::

    uint32  length of the header in bytes  ┐ big-endian
    uint32  length of the body in bytes    ┘
    header  a JSON object in UTF-8
    body    bytes; what they are, the header says

A frame over a limit is refused before its bytes are gathered.

The gateway asks ``{"id": 7, "op": "infer"}``; the replica answers ``{"id": 7, "status": 200}`` or
``{"id": 7, "status": 400, "error": "…"}``. Many questions may wait on one connection, and answers
come in any order. What a body holds:

==========  =====================================  ==========================================
op          body of the question                   body of the answer (status 200)
==========  =====================================  ==========================================
ready       none                                   ``{"ready": true}``
metadata    none                                   v2 model metadata as JSON
infer       v2 inference request as JSON           v2 inference response as JSON
==========  =====================================  ==========================================
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge

MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024

_LENGTHS = struct.Struct(">II")


@dataclass(frozen=True)
class Frame:
    """One message: what it is about, and its bytes."""

    header: dict[str, Any]
    body: bytes = b""


def encode_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return the bytes of a frame.

    Raises
    ------
    TooLarge
        When the header or the body is over its limit.
    """
    encoded = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    _check_lengths(len(encoded), len(body))
    return b"".join((_LENGTHS.pack(len(encoded), len(body)), encoded, body))


class FrameReader:
    """Cuts a stream of bytes into frames, however the bytes arrive.

    After an error the stream is out of step: close the connection.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that has not wholly arrived."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Frame]:
        """Take in bytes and return the frames that are now whole, oldest first.

        Raises
        ------
        TooLarge
            When a frame announces a header or body over its limit.
        InvalidRequest
            When a header is not a JSON object.
        """
        self._pending += data
        return list(self._whole_frames())

    def _whole_frames(self) -> Iterator[Frame]:
        while len(self._pending) >= _LENGTHS.size:
            header_size, body_size = _LENGTHS.unpack_from(self._pending)
            _check_lengths(header_size, body_size)
            body_start = _LENGTHS.size + header_size
            end = body_start + body_size
            if len(self._pending) < end:
                return
            header = _decode_header(bytes(self._pending[_LENGTHS.size : body_start]))
            body = bytes(self._pending[body_start:end])
            del self._pending[:end]
            yield Frame(header, body)


def _check_lengths(header_size: int, body_size: int) -> None:
    for part, size, limit in (
        ("header", header_size, MAX_HEADER_BYTES),
        ("body", body_size, MAX_BODY_BYTES),
    ):
        if size > limit:
            raise TooLarge(
                f"the {part} of a frame has {size:,} bytes, over the limit of {limit:,}",
                "send fewer rows at a time",
            )


def _decode_header(encoded: bytes) -> dict[str, Any]:
    try:
        header = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the header of a frame is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise InvalidRequest(f"the header of a frame is a {type(header).__name__}, not an object")
    return header
