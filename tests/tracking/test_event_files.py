"""The reader of event files: incremental, exact, and able to go on after damage."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.job_course import Curves, Series
from aimass_server.tracking import EventFileReader
from tests.tracking.records import (
    NAME,
    VERSION,
    append,
    delimited,
    event,
    masked_crc,
    point,
    record,
    scalar,
    varint,
)


@contextmanager
def folder_with(content: bytes) -> Iterator[Path]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / NAME).write_bytes(content)
        yield folder


def read(content: bytes) -> Curves:
    with folder_with(content) as folder:
        reader = EventFileReader(folder)
        reader.read_new()
        return reader.series_since("")


def steps(curves: Curves, tag: str = "loss") -> list[int]:
    return next((series.steps for series in curves.series if series.tag == tag), [])


def test_it_reads_what_tensorboards_own_reader_reads(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path))
    for step in range(200):
        message = Event(wall_time=1_700_000_000.25 + step, step=step)
        message.summary.value.add(tag="loss/train", simple_value=1 / (step + 1))
        if step % 3 == 0:
            message.summary.value.add(tag="accuracy/validation", simple_value=step / 200)
        writer.add_event(message)
    writer.close()
    reader = EventFileReader(tmp_path)
    reader.read_new()
    theirs = EventAccumulator(str(tmp_path))
    theirs.Reload()
    ours = {series.tag: series for series in reader.series_since().series}
    assert sorted(ours) == sorted(theirs.Tags()["scalars"])
    for tag, series in ours.items():
        scalars = theirs.Scalars(tag)
        assert series.steps == [scalar.step for scalar in scalars]
        assert series.times == [scalar.wall_time for scalar in scalars]
        assert series.values == [scalar.value for scalar in scalars]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tensor_of_one_float_is_a_point_as_tensorboard_2_writes_it(
    tmp_path: Path, dtype: str
) -> None:
    import numpy
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    writer = EventFileWriter(str(tmp_path))
    message = Event(wall_time=5.0, step=7)
    message.summary.value.add(tag="one", tensor=make_tensor_proto(numpy.array(0.5, dtype)))
    message.summary.value.add(tag="many", tensor=make_tensor_proto(numpy.ones(3, dtype)))
    message.summary.value.add(tag="word", tensor=make_tensor_proto("words"))
    writer.add_event(message)
    writer.close()
    reader = EventFileReader(tmp_path)
    reader.read_new()
    found = reader.series_since().series
    assert found == [Series(tag="one", steps=[7], times=[5.0], values=[0.5])]


@given(
    values=st.lists(st.floats(width=32), max_size=12),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_however_the_file_grows_each_point_comes_exactly_once(
    values: list[float], cuts: list[int]
) -> None:
    whole = VERSION + b"".join(point(step, value) for step, value in enumerate(values))
    got: list[tuple[int, float | None]] = []
    with folder_with(b"") as folder:
        reader, cursor, written = EventFileReader(folder), "", 0
        for cut in [*sorted(min(cut, len(whole)) for cut in cuts), len(whole)]:
            append(folder / NAME, whole[written:cut])
            written = cut
            reader.read_new()
            curves = reader.series_since(cursor)
            cursor = curves.cursor
            assert curves.gaps == []
            for series in curves.series:
                got += zip(series.steps, series.values, strict=True)
        assert reader.series_since(cursor).series == []
    finite = [value if math.isfinite(value) else None for value in values]
    assert got == list(enumerate(finite))


@given(
    count=st.integers(1, 12),
    position=st.floats(0, 1, exclude_max=True),
    change=st.binary(min_size=1, max_size=40),
)
@settings(max_examples=200, deadline=None)
def test_damage_costs_the_damaged_records_alone(count: int, position: float, change: bytes) -> None:
    records = [point(step, step / 2) for step in range(count)]
    whole = b"".join(records)
    start = int(position * len(whole))
    changed = whole[:start] + change + whole[start + len(change) :]
    curves = read(changed)
    ends = [sum(map(len, records[: index + 1])) for index in range(count)]
    hit = {
        index
        for index, end in enumerate(ends)
        if changed[end - len(records[index]) : end] != records[index]
    }
    assert steps(curves) == [step for step in range(count) if step not in hit]
    behind = [end for end in ends if end <= start]
    for gap in curves.gaps:
        assert gap.offset >= (behind[-1] if behind else 0)
        assert gap.offset + gap.size_bytes <= len(changed)


@given(content=st.binary(max_size=400), pieces=st.lists(st.integers(0, 12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_it_fail_and_what_is_sound_is_found(
    content: bytes, pieces: list[int]
) -> None:
    garbled = content + b"".join(point(step, 1.0) for step in pieces)
    assert steps(read(garbled))[-len(pieces) :] == pieces if pieces else read(garbled)


@pytest.mark.parametrize(
    "length",
    [0, 2**31, 2**63, 2**64 - 1],
)
def test_a_length_that_cannot_be_is_damage_even_with_a_sound_checksum(length: int) -> None:
    header = struct.pack("<Q", length)
    huge = header + struct.pack("<I", masked_crc(header))
    curves = read(point(1, 1.0) + huge + point(2, 2.0))
    assert steps(curves) == [1, 2]
    assert [(gap.offset, gap.size_bytes) for gap in curves.gaps] == [(len(point(1, 1.0)), 12)]


def test_a_megabyte_of_zeros_in_the_middle_is_one_gap() -> None:
    first = point(1, 1.0)
    curves = read(first + bytes(3 << 20) + point(2, 2.0))
    assert steps(curves) == [1, 2]
    assert [(gap.offset, gap.size_bytes) for gap in curves.gaps] == [(len(first), 3 << 20)]


def test_damage_at_the_end_is_told_and_grows_until_a_sound_record_comes() -> None:
    first = point(1, 1.0)
    with folder_with(first + b"\xff" * 100) as folder:
        reader = EventFileReader(folder)
        reader.read_new()
        (gap,) = reader.series_since().gaps
        assert gap.offset == len(first)
        append(folder / NAME, b"\xff" * 50 + point(2, 2.0))
        reader.read_new()
        curves = reader.series_since()
    assert steps(curves) == [1, 2]
    assert [(gap.offset, gap.size_bytes) for gap in curves.gaps] == [(len(first), 150)]


def test_a_record_that_is_no_event_is_a_gap() -> None:
    for payload in (b"\x09\x00", b"\x80" * 11, b"\x07", event(1, time=math.inf), varint(2 << 3)):
        broken = record(payload)
        curves = read(broken + point(2, 2.0))
        assert steps(curves) == [2]
        assert [(gap.offset, gap.size_bytes) for gap in curves.gaps] == [(0, len(broken))]


def test_a_record_larger_than_a_block_is_read_whole() -> None:
    large = record(event(1, scalar("loss", 1.0), delimited(3, bytes(3 << 20))))
    assert steps(read(large + point(2, 2.0))) == [1, 2]


def test_negative_steps_and_several_curves_in_one_event() -> None:
    curves = read(record(event(-3, scalar("a", 1.0), scalar("b", -2.0), scalar("é", 0.5))))
    assert [(s.tag, s.steps, s.values) for s in curves.series] == [
        ("a", [-3], [1.0]),
        ("b", [-3], [-2.0]),
        ("é", [-3], [0.5]),
    ]


def test_what_was_done_again_after_a_restart_is_there_once(tmp_path: Path) -> None:
    first, second = tmp_path / f"{NAME}.1", tmp_path / f"{NAME}.2"
    first.write_bytes(b"".join(point(step, 1.0 if step < 8 else math.nan) for step in range(10)))
    second.write_bytes(b"".join(point(step, 2.0) for step in range(7, 12)))
    reader = EventFileReader(tmp_path)
    reader.read_new()
    (series,) = reader.series_since().series
    assert series.steps == list(range(12))
    assert series.values == [1.0] * 7 + [2.0] * 5
    assert series.missing == []


def test_a_run_that_began_anew_is_there_once(tmp_path: Path) -> None:
    first, second = tmp_path / f"{NAME}.1", tmp_path / f"{NAME}.2"
    first.write_bytes(b"".join(point(step, 1.0) for step in range(10)) + point(0, 1.0, "progress"))
    second.write_bytes(b"".join(point(step, 2.0) for step in range(5)) + point(0, 2.0, "progress"))
    reader = EventFileReader(tmp_path)
    reader.read_new()
    series = {one.tag: (one.steps, one.values) for one in reader.series_since().series}
    assert series.pop("progress") == ([0, 0], [1.0, 2.0])
    assert list(series.values()) == [(list(range(5)), [2.0] * 5)]


def test_two_writers_in_one_folder_and_a_cursor_that_outlives_the_reader(tmp_path: Path) -> None:
    first, second = tmp_path / f"{NAME}.1", tmp_path / f"{NAME}.2"
    first.write_bytes(point(1, 1.0))
    second.write_bytes(point(10, 1.0))
    reader = EventFileReader(tmp_path)
    reader.read_new()
    cursor = reader.series_since().cursor
    append(first, point(2, 1.0))
    append(second, point(11, 1.0))
    reader = EventFileReader(tmp_path)
    reader.read_new()
    curves = reader.series_since(cursor)
    assert steps(curves) == [2, 11]
    assert reader.series_since(curves.cursor).series == []


def test_the_cursor_of_a_job_that_was_resumed_often_stays_short(tmp_path: Path) -> None:
    reader, cursor, got = EventFileReader(tmp_path), "", []
    for number in range(100, 160):
        (tmp_path / f"{NAME}.{number}").write_bytes(point(number, 1.0) + point(number + 500, 2.0))
        reader.read_new()
        curves = reader.series_since(cursor)
        cursor = curves.cursor
        assert len(cursor) <= 64
        got += steps(curves)
    assert got == [step for number in range(100, 160) for step in (number, number + 500)]


def test_other_files_links_pipes_and_a_folder_that_goes_are_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "tb"
    reader = EventFileReader(folder)
    reader.read_new()
    assert reader.series_since() == Curves(series=[], cursor="")
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(point(99, 1.0))
    (folder / f"{NAME}.link").symlink_to(outside)
    (folder / f"{NAME}.folder").mkdir()
    (folder / "checkpoint").write_bytes(point(98, 1.0))
    os.mkfifo(folder / f"{NAME}.pipe")
    (folder / NAME).write_bytes(point(1, 1.0))
    reader.read_new()
    for path in folder.iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()
    reader.read_new()
    assert steps(reader.series_since()) == [1]


@pytest.mark.parametrize("cursor", ["-1", "1.", "x y", "1*", "*1", "1**2", "1*2*3", "é", "."])
def test_a_cursor_that_is_not_ours_is_refused(tmp_path: Path, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="is not one of ours"):
        EventFileReader(tmp_path).series_since(cursor)


def test_a_cursor_from_the_future_gives_nothing_twice() -> None:
    with folder_with(point(1, 1.0)) as folder:
        reader = EventFileReader(folder)
        reader.read_new()
        assert reader.series_since("zz.zz.zz").series == []
