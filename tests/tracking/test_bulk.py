"""Reading many records at once gives what reading them one by one gives, whatever the bytes are."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.job_course import Curves
from aimass_server.tracking import EventFileReader, bulk, compiled, event_files
from aimass_server.tracking.records import masked_crc
from tests.tracking.records import NAME, delimited, event, point, record, scalar

TAGS = ["loss", "accuracy/validation", "é", "x" * 130]


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    """Some records: plain points mostly, and whatever else may stand in an event file."""
    kind = draw(st.sampled_from(["points"] * 6 + ["odd", "damage", "zeros", "nested", "cut"]))
    first = draw(st.sampled_from([0, 100, 16_300, 2**31, -3]))
    count = draw(st.integers(1, 40))
    tags = draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=3))
    value = draw(st.floats(width=32))
    points = [point(first + step, value / (step + 1), tag) for step in range(count) for tag in tags]
    if kind == "points":
        return b"".join(points)
    if kind == "odd":
        return draw(st.sampled_from(ODD))
    if kind == "zeros":
        return bytes(count)
    if kind == "nested":  # a record within a record, which is none
        return record(event(1, scalar("loss", 1.0), delimited(7, points[0])))
    if kind == "cut":
        return points[0][: draw(st.integers(0, len(points[0])))]
    damaged = bytearray(b"".join(points))
    at = draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(damaged)


ODD = [
    record(event(7, scalar("a", 1.0), scalar("loss", 2.0), scalar("loss", 3.0))),
    record(event(7)),
    record(event(7, scalar("", 1.0))),
    record(event(7, scalar("loss", 1.0), time=math.nan)),
    record(b"\x09" + struct.pack("<d", 5.0) + delimited(5, delimited(1, scalar("loss", 9.0)))),
    record(delimited(3, b"brain.Event:2")),
    record(b"\x09\x00"),
    record(event(8, scalar("loss", 1.0), delimited(5, bytes(70_000)))),
    record(event(9, delimited(5, bytes(600)))),
]


def read(content: bytes, chunk: int, by: str) -> Curves:
    """Read one by one (``alone``), or at once by one of the two ways."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_files, "_BULK_BYTES", math.inf if by == "alone" else 0)
        if by == "numpy":
            patch.setattr(compiled, "load", lambda: None)
        path = Path(name) / NAME
        reader = EventFileReader(Path(name))
        for start in range(0, len(content), chunk):
            with path.open("ab") as file:
                file.write(content[start : start + chunk])
            reader.read_new()
        return reader.series_since()


@settings(max_examples=60)
@given(st.lists(pieces(), min_size=1, max_size=12), st.sampled_from([1 << 22, 5000, 700]))
def test_at_once_and_one_by_one_are_the_same(content: list[bytes], chunk: int) -> None:
    joined = b"".join(content)
    alone = read(joined, chunk, "alone")
    assert read(joined, chunk, "numpy") == alone
    if compiled.load() is not None:
        assert read(joined, chunk, "compiled") == alone


@pytest.mark.parametrize("by", ["numpy", "compiled"])
def test_most_records_are_read_at_once_and_only_odd_ones_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    if by == "numpy":
        monkeypatch.setattr(compiled, "load", lambda: None)
    elif compiled.load() is None:
        pytest.skip("scan.so is not built: set-up found no C compiler")
    alone: list[int] = []
    plain = event_files.cut
    monkeypatch.setattr(event_files, "cut", lambda b, s: (alone.append(s), plain(b, s))[1])
    content = b"".join(point(step, 1.0, tag) for step in range(5000) for tag in TAGS)
    (tmp_path / NAME).write_bytes(content)
    reader = EventFileReader(tmp_path)
    reader.read_new()
    assert {tag: summary.points for tag, summary in reader.summaries().items()} == dict.fromkeys(
        TAGS, 5000
    )
    assert len(alone) < 10


def test_tags_that_read_the_same_are_one_curve_in_order(tmp_path: Path) -> None:
    tags = [b"a\xff", b"a\xfe"]
    content = b"".join(
        record(event(step, delimited(1, tags[step % 2]) + b"\x15" + struct.pack("<f", step)))
        for step in range(100)
    )
    (tmp_path / NAME).write_bytes(content)
    reader = EventFileReader(tmp_path)
    reader.read_new()
    (series,) = reader.series_since().series
    assert series.steps == list(range(100))


@given(st.binary(min_size=1, max_size=200))
def test_the_tables_give_the_checksum(payload: bytes) -> None:
    rows = np.frombuffer(bytes(len(payload)) + bytes(4) + payload + bytes(4), np.uint8)
    rows = rows.reshape(2, -1)
    found = bulk._checksums(rows, len(payload), np.arange(len(payload)))
    assert found.tolist() == [masked_crc(bytes(len(payload))), masked_crc(payload)]


def test_the_headers_of_every_length_are_known() -> None:
    known = bulk._header_checksums()
    for length in (1, 2, 43, 255, 256, 65_535):
        assert known[length] == masked_crc(struct.pack("<Q", length))


def test_what_is_not_finite_is_null_and_named_and_counted(tmp_path: Path) -> None:
    values = [1.0, math.nan, math.inf, 2.0, -math.inf]
    content = b"".join(point(step, value) for step, value in enumerate(values * 100))
    (tmp_path / NAME).write_bytes(content)
    reader = EventFileReader(tmp_path)
    reader.read_new()
    (series,) = reader.series_since().series
    assert series.values[:5] == [1.0, None, None, 2.0, None]
    assert series.missing[:3] == ["nan", "inf", "-inf"]
    summary = reader.summaries()["loss"]
    assert (summary.last, summary.lowest, summary.highest) == (None, 1.0, 2.0)
    assert (summary.points, summary.not_finite, summary.step) == (500, 300, 499)


@given(
    st.lists(
        st.tuples(st.integers(-50, 2000), st.sampled_from([0.0, 1.5, -3.0, math.nan, math.inf])),
        min_size=9,
        max_size=400,
    ),
    st.integers(8, 60),
)
def test_few_points_keep_the_ends_every_extreme_and_a_gap(
    points: list[tuple[int, float]], limit: int
) -> None:
    with TemporaryDirectory() as name:
        content = b"".join(point(step, value) for step, value in points)
        (Path(name) / NAME).write_bytes(content)
        reader = EventFileReader(Path(name))
        reader.read_new()
        (whole,) = reader.series_since().series
        (thinned,) = reader.series_since(max_points=limit).series
    assert len(thinned.steps) <= max(limit, 8)
    assert (thinned.steps[0], thinned.steps[-1]) == (points[0][0], points[-1][0])
    for extreme in (min, max):
        known = [value for value in whole.values if value is not None]
        if known:
            assert extreme(known) in thinned.values
    assert (None in whole.values) == (None in thinned.values)
    assert len(thinned.missing) == thinned.values.count(None)
    pairs = list(zip(whole.steps, whole.values, strict=True))
    assert all(pair in pairs for pair in zip(thinned.steps, thinned.values, strict=True))


def test_few_points_are_few_also_of_a_run_that_was_resumed_often(tmp_path: Path) -> None:
    for number in range(5):
        values = [math.nan if step == 7 else float(step * number) for step in range(100)]
        content = b"".join(point(number * 100 + s, value) for s, value in enumerate(values))
        (tmp_path / f"{NAME}.{number}").write_bytes(content)
    reader = EventFileReader(tmp_path)
    reader.read_new()
    (series,) = reader.series_since(max_points=60).series
    assert len(series.steps) <= 60
    assert (series.steps[0], series.steps[-1]) == (0, 499)
    assert max(value for value in series.values if value is not None) == 396.0
    assert series.missing == ["nan"] * series.values.count(None) != []
