"""Event files, read back by TensorBoard."""

from __future__ import annotations

import math
import resource
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event

from aimass_jupyter.training import events
from aimass_jupyter.training.events import EventWriter, encode_scalar


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()


@given(
    wall_time=st.floats(0, 1e10),
    tag=st.text(max_size=300),
    value=st.floats(width=32),
    step=st.integers(0, 2**63 - 1),
)
def test_an_event_is_what_protobuf_reads(
    wall_time: float, tag: str, value: float, step: int
) -> None:  # fmt: skip
    event = Event.FromString(encode_scalar(wall_time, tag, value, step))
    assert (event.wall_time, event.step) == (wall_time, step)
    (point,) = event.summary.value
    assert point.tag == tag
    assert struct.pack("<f", point.simple_value) == struct.pack("<f", value)


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    for step in range(1000):
        writer.add("loss/train", 1 / (step + 1), step)
    writer.add("broken", math.nan, 5)
    writer.add("broken", math.inf, 6)
    writer.close()
    points = read(tmp_path).Scalars("loss/train")
    assert [point.step for point in points] == list(range(1000))
    assert [point.value for point in points] == pytest.approx([1 / (s + 1) for s in range(1000)])
    assert math.isnan(read(tmp_path).Scalars("broken")[0].value)
    assert read(tmp_path).Scalars("broken")[1].value == math.inf


def test_points_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.add("loss", 0.5, 1)
    deadline = time.monotonic() + 60
    while "loss" not in read(tmp_path).Tags()["scalars"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    writer.close()
    writer.close()


def test_a_run_that_goes_on_replaces_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    for name, first, value in (("a", 0, 1.0), ("b", 6, 2.0)):
        writer = EventWriter(tmp_path / name, first)
        for step in range(first, 10):
            writer.add("loss", value, step)
        writer.close()
        (path,) = (tmp_path / name).iterdir()
        (tmp_path / "tb").mkdir(exist_ok=True)
        path.rename(tmp_path / "tb" / f"events.out.tfevents.{name}")
    values = [point.value for point in read(tmp_path / "tb").Scalars("loss")]
    assert values == [1.0] * 6 + [2.0] * 4


def test_what_could_not_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        writer = EventWriter(tmp_path)
        writer.add("loss", 1.0, 1)
        with pytest.raises(OSError, match="File too large"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_points_wait_for_room(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70, limits[1]))
    try:
        writer = EventWriter(tmp_path)
        for step in range(20):
            writer.add("loss", 1.0, step)
        time.sleep(0.6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    writer.close()
    assert len(read(tmp_path).Scalars("loss")) == 20


def test_what_waits_has_an_end_and_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "MOST_WAITING_BYTES", 1000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        writer = EventWriter(tmp_path)
        for step in range(100):
            writer.add("loss", 1.0, step)
        writer.text("late", "words" * 300, 100)
        with pytest.raises(OSError, match="File too large"):
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    writer.flush()
    writer.add("loss", 1.0, 101)
    writer.close()
    steps = [point.step for point in read(tmp_path).Scalars("loss")]
    assert steps == sorted(set(steps))
    assert steps[-1] == 101
    assert len(steps) - 1 + writer.dropped == 101
    assert f"{writer.dropped} of the things that were logged" in caplog.text
