"""Pictures for a notebook that is read without a kernel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.job_course import Series
from aimass_jupyter.widgets.stills import MAX_PLOTS, curves_picture, timed
from tests.widgets.conftest import make_series

SVG = "image/svg+xml"
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.lists(st.one_of(st.none(), numbers), max_size=50)


def drawn(lines: list[tuple[str, str, Series]]) -> ElementTree.Element:
    return ElementTree.fromstring(curves_picture(lines)[SVG])


@given(values)
def test_any_curve_gives_a_sound_picture_or_none(points: list[float | None]) -> None:
    bundle = curves_picture([("loss", "train", make_series("loss/train", points))])
    assert (SVG in bundle) == any(value is not None for value in points)
    for text in bundle.values():
        path = ElementTree.fromstring(text).find(".//{*}path")
        assert path is not None
        assert "nan" not in path.attrib["d"]
        assert "inf" not in path.attrib["d"]


def test_names_are_text_and_a_gap_is_a_gap() -> None:
    series = make_series("x", [1.0, None, 3.0, 2.0])
    picture = drawn([("<b>&", '"><script>', series)])
    assert '"><script> 2' in [node.text for node in picture.iter() if node.text]
    path = picture.find(".//{*}path")
    assert path is not None
    assert path.attrib["d"].count("M") == 2
    assert not [node for node in picture.iter() if node.tag.endswith("script")]


def test_a_picture_is_bounded_and_keeps_the_peak() -> None:
    peaked = [0.0] * 50_000
    peaked[33_333] = 7.0
    lines = [(f"chart {at}", "line", make_series("x", [*peaked])) for at in range(9)]
    bundle = curves_picture(lines)
    assert len(bundle[SVG]) < 40_000
    picture = ElementTree.fromstring(bundle[SVG])
    assert len(picture.findall(".//{*}path")) == MAX_PLOTS
    assert "7" in [node.text for node in picture.iter() if node.text]


def test_over_time_it_says_when() -> None:
    begin = datetime(2026, 1, 5, 10, tzinfo=UTC)
    series = timed("cpu", [begin + timedelta(seconds=at) for at in range(3)], [1.0, 2.0, 3.0])
    text = curves_picture([("CPU", "node", series)], axis="UTC 10:00 to 10:01")[SVG]
    assert "UTC 10:00 to 10:01" in text
    assert series.steps[2] - series.steps[0] == 2
