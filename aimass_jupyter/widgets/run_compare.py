"""Several runs over each other: their curves, their metrics, the parameters that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Any as AnyTrait
from traitlets import Dict

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.job_course import Curves, Series
from aimass_jupyter.contract.jobs import FINAL_STATES, Job
from aimass_jupyter.contract.runs import MAX_COMPARED, Comparison, Run, lower_is_better
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.curves import CurveSet, wire
from aimass_jupyter.widgets.live import LiveWidget
from aimass_jupyter.widgets.stills import curves_picture
from aimass_jupyter.widgets.text import format_number, sparkline
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

MAX_POINTS = 1_000
MAX_POINTS_OF_ALL = 40_000
MAX_TEXT = 60
_NO_RANK = frozenset({"learning_rate", "progress"})


def best_of(metric: str, values: Sequence[float | None]) -> int | None:
    """Which run is the best by a metric; None where none is better than the others."""
    if metric in _NO_RANK:
        return None
    known = [(value, place) for place, value in enumerate(values) if value is not None]
    if len({value for value, _ in known}) < 2:
        return None
    choose = min if lower_is_better(metric) else max
    return choose(known, key=lambda pair: pair[0])[1]


def table_of(comparison: Comparison) -> dict[str, Any]:
    """A comparison without its curves, as a front end takes it."""
    kept = {"id", "name", "state", "experiment", "tags", "job"}
    return {
        "runs": [one.run.model_dump(mode="json", include=kept) for one in comparison.runs],
        "params": {name: [_short(v) for v in values] for name, values in comparison.params.items()},
        "metrics": {
            name: {"last": values, "best": values if name in _NO_RANK else comparison.best[name],
                   "winner": best_of(name, comparison.best[name])}
            for name, values in comparison.metrics.items()
        },
    }  # fmt: skip


class RunCompare(LiveWidget):
    """Shows runs over each other, live for as long as one of them runs.

    Parameters
    ----------
    runs
        Ids or names of runs or of their jobs, or the runs or jobs themselves; at most 20.
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.

    Examples
    --------
    >>> RunCompare(["digits", "digits-wide"])  # doctest: +SKIP
    """

    _esm = script("run_compare.js")
    _css = style("base.css", "chart.css", "model_table.css", "run_compare.css")

    table = Dict(help="The runs, the parameters that differ, metrics.").tag(sync=True)
    history = AnyTrait(help="The curves so far; grows by messages.").tag(
        sync=True, to_json=lambda _value, widget: widget.whole()
    )

    def __init__(self, runs: Iterable[str | Run | Job], client: Client | None = None) -> None:
        self.runs = [one if isinstance(one, str) else one.id for one in runs]
        self.comparison: Comparison | None = None
        self._curves: dict[str, CurveSet] = {}
        self._cursors: dict[str, str] = {}
        self._revision = 0
        super().__init__(client)
        if not 1 <= len(self.runs) <= MAX_COMPARED:
            self.close()
            raise InvalidRequest(
                f"{len(self.runs)} runs cannot be compared", f"name 1 to {MAX_COMPARED} of them"
            )

    @property
    def over(self) -> bool:
        """Whether all runs have ended."""
        known = self.comparison
        return known is not None and all(one.run.state in FINAL_STATES for one in known.runs)

    def look(self) -> Change:
        """Ask for the table, and for what is new of the curves; the curves last."""
        comparison: Comparison = self.client.runs.compare(runs=self.runs, max_points=0)
        news = {one.run.id: self._news(one.run) for one in comparison.runs}
        return partial(self._absorb, comparison, news)

    def _news(self, run: Run) -> Curves | None:
        """What is new of a run's curves; of one that has ended nothing more comes."""
        cursor = self._cursors.get(run.id, "")
        before = self.comparison.runs if self.comparison else []
        if cursor and any(one.run.id == run.id and one.run.state in FINAL_STATES for one in before):
            return None
        curves: Curves = self.client.runs.metrics(run.id, cursor=cursor, max_points=MAX_POINTS)
        self._cursors[run.id] = curves.cursor
        return curves

    def _absorb(self, comparison: Comparison, news: dict[str, Curves | None]) -> None:
        self.comparison = comparison
        added: list[Series] = []
        for place, one in enumerate(comparison.runs):
            curves = news[one.run.id]
            if curves is not None and curves.series:
                self._curves.setdefault(one.run.id, CurveSet()).extend(curves.series)
                added += _of_run(place, curves.series)
        self.table = table_of(comparison)
        if added:
            self._revision += 1
            step = {"from": self._revision - 1, "revision": self._revision}
            self.send({"kind": "more", "series": wire(added, self._limit), "lines": []} | step)

    def whole(self) -> dict[str, Any]:
        """All curves, as a front end takes them."""
        series = [one for _, many in self._series() for one in many]
        return {"revision": self._revision, "series": wire(series, self._limit), "lines": []}

    def _series(self) -> list[tuple[str, list[Series]]]:
        """The curves kept of each run, named by its place."""
        if self.comparison is None:
            return []
        runs = [one.run for one in self.comparison.runs]
        kept = [self._curves.get(run.id, CurveSet()).series() for run in runs]
        return [
            (run.name, _of_run(place, many))
            for place, (run, many) in enumerate(zip(runs, kept, strict=True))
        ]

    @property
    def _limit(self) -> int:
        """Points a curve may have in the page: so many that the sum is bounded."""
        curves = sum(len(one.series()) for one in self._curves.values())
        return max(64, min(MAX_POINTS, MAX_POINTS_OF_ALL // max(1, curves)))

    def _count_views(self, widget: object, message: Any, buffers: object) -> None:
        super()._count_views(widget, message, buffers)
        if message.get("kind") == "whole":
            self._turns.take(partial(self.send_state, "history"))

    def text(self) -> str:
        """The table as text, and a line a curve of what is compared first."""
        if self.comparison is None:
            return "RunCompare: not asked for yet."
        from aimass_jupyter.client.views import as_text

        lines = [as_text(self.comparison), *self._winners(), *self._sparks()]
        return "\n".join(lines)

    def _winners(self) -> list[str]:
        told = [(name, one["winner"]) for name, one in self.table["metrics"].items()]
        runs = self.table["runs"]
        return [f"best {name}: {runs[place]['name']}" for name, place in told if place is not None]

    def _sparks(self) -> list[str]:
        """The first loss of each run."""
        told = []
        for name, series in self._series():
            losses = [one for one in series if "loss" in one.tag and one.values]
            told += [
                f"{name} {one.tag.partition('|')[2]} {format_number(one.values[-1])} "
                f"{sparkline(one.values)}"
                for one in losses[:1]
            ]
        return told

    def still(self) -> dict[str, str]:
        """The curves as a picture."""
        named = [(name, one) for name, many in self._series() for one in many]
        return curves_picture([(one.tag.partition("|")[2], name, one) for name, one in named])


def _of_run(place: int, series: Iterable[Series]) -> list[Series]:
    """Curves with the place of their run in front of their tag: ``2|loss/train``."""
    return [one.model_copy(update={"tag": f"{place}|{one.tag}"}) for one in series]


def _short(value: Any) -> Any:
    """A parameter as a cell shows it."""
    if value is None or isinstance(value, int | float | bool):
        return value
    text = str(value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
