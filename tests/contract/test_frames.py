"""Frames survive any cutting of the stream, and nothing over a limit is gathered."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge
from aimass_jupyter.contract.frames import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Frame,
    FrameReader,
    encode_frame,
)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_frames = st.lists(
    st.builds(Frame, st.dictionaries(st.text(), _json, max_size=4), st.binary(max_size=200)),
    max_size=5,
)


@given(frames=_frames, cuts=st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    frames: list[Frame], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(frame.header, frame.body) for frame in frames)
    reader, arrived, start, turn = FrameReader(), [], 0, 0
    while start < len(stream):
        size = cuts[turn % len(cuts)]
        arrived += reader.feed(stream[start : start + size])
        start, turn = start + size, turn + 1
    assert arrived == frames
    assert reader.pending_bytes == 0


@pytest.mark.parametrize(
    ("lengths", "part"),
    [((MAX_HEADER_BYTES + 1, 0), "header"), ((2, MAX_BODY_BYTES + 1), "body")],
)
def test_a_frame_over_a_limit_is_refused_by_its_lengths_alone(
    lengths: tuple[int, int], part: str
) -> None:
    with pytest.raises(TooLarge, match=f"the {part} of a frame"):
        FrameReader().feed(struct.pack(">II", *lengths))


def test_a_frame_over_a_limit_is_not_sent() -> None:
    with pytest.raises(TooLarge, match="header"):
        encode_frame({"error": "x" * MAX_HEADER_BYTES})


@pytest.mark.parametrize("header", [b"[1]", b"{", b"\xff\xfe", b"[" * 50_000])
def test_a_header_that_is_no_json_object_is_refused(header: bytes) -> None:
    with pytest.raises(InvalidRequest, match="header of a frame"):
        FrameReader().feed(struct.pack(">II", len(header), 0) + header)
