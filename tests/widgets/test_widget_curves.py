"""Thinning: what a view keeps of a curve."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.widgets.curves import (
    MAX_POINTS,
    MAX_POINTS_OF_ALL,
    MIN_POINTS,
    CurveSet,
    thin,
    wire,
)
from tests.widgets.conftest import make_series

values = st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)))


@given(values, st.integers(8, 60), st.data())
def test_thinning_keeps_the_ends_the_peaks_and_the_gaps(
    points: list[float | None], limit: int, data: st.DataObject
) -> None:
    steps = data.draw(st.lists(st.integers(-10, 10**9), min_size=len(points), max_size=len(points)))
    kept = thin(steps, points, limit)
    assert kept == sorted(set(kept))
    assert len(kept) <= limit
    chosen = [points[index] for index in kept]
    known = [value for value in points if value is not None]
    if points:
        assert kept[0] == 0
        assert kept[-1] == len(points) - 1
    if known:
        assert max(known) in chosen
        assert min(known) in chosen
    assert (None in points) == (None in chosen)


@given(values.filter(lambda points: len(points) < 50))
def test_few_points_all_stay(points: list[float | None]) -> None:
    assert thin(list(range(len(points))), points, 50) == list(range(len(points)))


def test_a_curve_stays_equally_fine_however_often_it_is_thinned() -> None:
    curves = CurveSet()
    for first in range(0, 100_000, 50):
        values = [float((first + at) % 7) for at in range(50)]
        curves.extend([make_series("loss/train", values, first)])
    (kept,) = curves.series()
    assert len(kept.steps) <= MAX_POINTS
    assert max(b - a for a, b in pairwise(kept.steps)) < 2 * 512
    assert thin(kept.steps, kept.values, MAX_POINTS) == list(range(len(kept.steps)))


def test_a_peak_survives_a_long_run() -> None:
    curves = CurveSet()
    for first in range(0, 50_000, 1000):
        values: list[float | None] = [1.0] * 1000
        if first == 3000:
            values[17], values[18] = 99.0, None
        curves.extend([make_series("loss/train", values, first)])
    (kept,) = curves.series()
    at = kept.steps.index(3017)
    assert kept.values[at : at + 2] == [99.0, None]


def test_many_curves_share_a_bound() -> None:
    curves = CurveSet()
    for first in range(0, 4000, 500):
        for tag in range(40):
            curves.extend([make_series(f"loss/{tag}", [float(first)] * 500, first)])
    kept = [len(series.steps) for series in curves.series()]
    assert sum(kept) <= MAX_POINTS_OF_ALL
    assert min(kept) >= MIN_POINTS // 4


def test_what_travels_is_small_and_is_json() -> None:
    long = make_series("loss/train", [0.123456789 / (at + 1) for at in range(100_000)])
    (sent,) = wire([long])
    text = json.dumps(sent, allow_nan=False)
    assert len(text) < 60_000
    assert sent["values"][0] == 0.123457


def test_what_was_done_again_after_a_restart_is_drawn_once() -> None:
    curves = CurveSet()
    curves.extend([make_series("loss/train", [1.0] * 10)])
    curves.extend([make_series("loss/train", [2.0] * 5, first=7)])
    (series,) = curves.series()
    assert series.steps == list(range(12))
    assert series.values == [1.0] * 7 + [2.0] * 5
    curves.extend([make_series("loss/train", [3.0] * 2), make_series("progress", [0.1])])
    curves.extend([make_series("progress", [0.2])])
    anew, progress = curves.series()
    assert (anew.steps, anew.values) == ([0, 1], [3.0, 3.0])
    assert progress.values == [0.1, 0.2]
