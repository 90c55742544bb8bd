"""What a panel knows of curves besides their points: gaps, and values that are no numbers."""

from __future__ import annotations

from aimass_jupyter.contract.job_course import Gap, JobUpdate, Missing
from aimass_jupyter.widgets.job_record import JobRecord
from tests.widgets.conftest import make_job, make_series


def update(*missing: Missing, gaps: list[Gap] | None = None) -> JobUpdate:
    """An update of one curve with these values, none of which is a number."""
    series = make_series("loss/train", [None] * len(missing))
    named = series.model_copy(update={"missing": list(missing)})
    return JobUpdate(
        job=make_job(), series=[named] if missing else [], gaps=gaps or [], log="", cursor="",
        end=False,
    )  # fmt: skip


def test_gaps_are_those_told_last_and_missing_values_add_up() -> None:
    record = JobRecord()
    gap = Gap(offset=10, size_bytes=40)
    record.absorb(update("nan", "inf", gaps=[gap]))
    record.absorb(update("-inf"))
    record.absorb(update(gaps=[gap, Gap(offset=90, size_bytes=2)]))
    card = record.card()
    assert (card["gaps"], card["damaged_bytes"]) == (2, 42)
    assert card["not_finite"] == {"loss/train": 3}


def test_a_whole_curve_has_neither() -> None:
    record = JobRecord()
    record.absorb(update())
    assert (record.card()["gaps"], record.card()["not_finite"]) == (0, {})
