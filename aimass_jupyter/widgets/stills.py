"""Pictures of curves that need no page: what a saved notebook shows when nothing runs.

Pure: points in, SVG out, with colours of its own that stand out on a light and on a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape

from aimass_jupyter.contract.job_course import Series
from aimass_jupyter.widgets.curves import thin
from aimass_jupyter.widgets.text import format_number

MAX_PLOTS = 4
MAX_POINTS = 200
MAX_LINES = 12

_WIDTH, _HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 24, 22
_LEGEND = 15
_COLOURS = ("#1e88e5", "#f57c00", "#43a047", "#e53935", "#8e6fd8", "#7f8c8d")
_INK = "#808080"

#: title, name of the line, its points
Line = tuple[str, str, Series]
Scale = Callable[[float], float]


def timed(name: str, times: Sequence[datetime], values: Sequence[float | None]) -> Series:
    """Points over time: the step is the second."""
    seconds = [time.timestamp() for time in times]
    return Series(tag=name, steps=[*map(round, seconds)], times=seconds, values=[*values])


def curves_picture(lines: Iterable[Line], axis: str = "") -> dict[str, str]:
    """An SVG under its MIME type; nothing where there is no point.

    Parameters
    ----------
    axis
        What stands below a plot in place of its first and its last step.
    """
    plots: dict[str, list[tuple[str, Series]]] = {}
    for title, name, series in lines:
        if any(value is not None for value in series.values):
            plots.setdefault(title, []).append((name, series))
    chosen = sorted(plots, key=_importance)[:MAX_PLOTS]
    if not chosen:
        return {}
    rows = math.ceil(len(chosen) / 2)
    tall = _HEIGHT + _LEGEND * max(min(MAX_LINES, len(plots[title])) for title in chosen)
    parts = [
        f'<g transform="translate({at % 2 * _WIDTH} {at // 2 * tall})">'
        f"{_plot(title, plots[title], axis)}</g>"
        for at, title in enumerate(chosen)
    ]
    width = _WIDTH * min(2, len(chosen))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{rows * tall}" '
        f'viewBox="0 0 {width} {rows * tall}" font-family="sans-serif" font-size="11" '
        f'fill="{_INK}" role="img" aria-label="{escape(", ".join(chosen), quote=True)}">'
    )
    return {"image/svg+xml": f"{head}{''.join(parts)}</svg>"}


def _importance(title: str) -> tuple[bool, bool, str]:
    """Losses and metrics on rows held out come first; how the run went, last."""
    return title.startswith(("learning_rate", "speed", "progress")), "loss" not in title, title


def _plot(title: str, lines: Sequence[tuple[str, Series]], axis: str) -> str:
    shown = lines[:MAX_LINES]
    values = [v for _, one in shown for v in one.values if v is not None]
    steps = [step for _, one in shown for step in one.steps]
    low, high = min(values), max(values)
    first, last = min(steps), max(steps)

    def x(step: float) -> float:
        share = (step - first) / (last - first) if last > first else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        span = high / 2 - low / 2
        share = (value / 2 - low / 2) / span if span > 0 else 0.5
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<text x="{_LEFT}" y="14" font-weight="bold">{escape(title)}</text>',
        *(_level(value, y(value)) for value in ((low, high) if high > low else (low,))),
        *_ends(axis, first, last),
    ]
    for at, (name, series) in enumerate(shown):
        colour = _COLOURS[at % len(_COLOURS)]
        parts.append(_path(series, x, y, colour))
        place = _HEIGHT + at * _LEGEND
        newest = format_number(series.values[-1])
        parts.append(
            f'<rect x="{_LEFT}" y="{place + 3}" width="14" height="3" fill="{colour}"/>'
            f'<text x="{_LEFT + 20}" y="{place + 9}">{escape(name)} {newest}</text>'
        )
    return "".join(parts)


def _ends(axis: str, first: int, last: int) -> list[str]:
    """What stands below a plot."""
    left = f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{escape(axis or f"step {first}")}</text>'
    right = f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{last}</text>'
    return [left] if axis else [left, right]


def _level(value: float, y: float) -> str:
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_INK}" '
        f'stroke-opacity="0.35"/><text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">'
        f"{format_number(value)}</text>"
    )


def _path(series: Series, x: Scale, y: Scale, colour: str) -> str:
    drawn, pen = [], "M"
    for index in thin(series.steps, series.values, MAX_POINTS):
        value = series.values[index]
        if value is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{x(series.steps[index]):.1f} {y(value):.1f}")
        pen = "L"
    dot = "h0.1" if len(drawn) == 1 else ""
    return (
        f'<path d="{"".join(drawn)}{dot}" fill="none" stroke="{colour}" stroke-width="1.6" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )
