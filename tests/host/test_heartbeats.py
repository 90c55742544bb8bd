"""Heartbeats and notices: written by one, read by another, never by half."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from aimass_jupyter.host import (
    forget_beats,
    read_beats,
    read_notices,
    remove_notice,
    write_notice,
)
from aimass_jupyter.host.heartbeats import Heartbeat


def test_a_beat_says_how_far_a_rank_is_and_what_it_waits_for(tmp_path: Path) -> None:
    before = time.monotonic()
    beats = [Heartbeat(tmp_path, rank) for rank in (1, 0)]
    assert [(beat.rank, beat.steps, beat.collective) for beat in read_beats(tmp_path)] == [
        (0, -1, ""),
        (1, -1, ""),
    ]
    beats[0].step(41)
    beats[0].enter("sum of gradients")
    one = read_beats(tmp_path)[1]
    assert (one.pid, one.steps, one.collectives) == (os.getpid(), 41, 1)
    assert one.collective == "sum of gradients"
    assert before <= one.beaten_at <= one.entered_at <= time.monotonic()
    beats[0].leave()
    assert read_beats(tmp_path)[1].collective == ""
    forget_beats(tmp_path)
    assert read_beats(tmp_path) == []


@pytest.mark.parametrize("name", ["x" * 500, "größer " * 30, ""])
def test_a_name_of_any_length_is_taken(tmp_path: Path, name: str) -> None:
    heartbeat = Heartbeat(tmp_path, 0)
    heartbeat.enter(name)
    assert read_beats(tmp_path)[0].collective.startswith(name[:30])


def test_a_damaged_heartbeat_is_none(tmp_path: Path) -> None:
    Heartbeat(tmp_path, 0)
    (tmp_path / "beats" / "rank-1").write_bytes(b"\0" * 50)
    (tmp_path / "beats" / "rank-2").write_bytes(b"\0" * 500)
    assert [beat.rank for beat in read_beats(tmp_path)] == [0]


def test_notices_keep_their_order_and_are_replaced_by_name(tmp_path: Path) -> None:
    assert read_notices(tmp_path) == []
    write_notice(tmp_path, "z", "first")
    write_notice(tmp_path, "a", "second")
    write_notice(tmp_path, "z", "first again")
    assert read_notices(tmp_path) == ["first again", "second"]
    remove_notice(tmp_path, "z")
    remove_notice(tmp_path, "z")
    assert read_notices(tmp_path) == ["second"]
