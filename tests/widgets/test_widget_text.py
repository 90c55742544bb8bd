"""A job in plain text."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Cause, Progress
from aimass_jupyter.widgets import render_text
from aimass_jupyter.widgets.job_record import JobRecord
from aimass_jupyter.widgets.text import (
    BAR_CELLS,
    SPARK_CELLS,
    format_number,
    format_seconds,
    progress_bar,
    sparkline,
)
from tests.widgets.conftest import STARTED, make_job, make_series

numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


def update(*series: object, **fields: object) -> JobUpdate:
    return JobUpdate(job=make_job(**fields), series=list(series), log="", cursor="", end=False)


def test_a_running_job_says_how_far_it_is() -> None:
    text = render_text(
        update(
            make_series("progress/fraction", [0.1, 0.58]),
            make_series("accuracy/validation", [0.5, 0.91]),
            make_series("loss/train", [2.3, None, 0.2134321]),
            progress=Progress(fraction=0.58, eta_seconds=75),
        )
    )
    head, state, loss, accuracy, after = text.splitlines()
    assert head.startswith("digits · classification on digits@1 · 2 ranks on horovod · job_")
    assert state.startswith("running ▕█████████████▉")
    assert state.endswith("58% · 1 min 15 s left")
    assert loss.split() == ["loss/train", "0.2134", "█", "▁"]
    assert accuracy.split() == ["accuracy/validation", "0.91", "▁█"]
    assert after == f"next: %aimass attach {make_job().id}"


def test_a_failed_job_says_why_and_where() -> None:
    cause = Cause(code="signal", message="killed", rank=1, last_lines=["epoch 3", "epoch 4"])
    text = render_text(update(state="failed", cause=cause, ended_at=STARTED + timedelta(seconds=4)))
    assert text.splitlines()[1:] == [
        "failed in 4.0 s",
        "cause: killed (rank 1)",
        "  │ epoch 3",
        "  │ epoch 4",
        f"next: %aimass logs {make_job().id}",
    ]


def test_what_happened_on_the_way_is_said() -> None:
    said = ["restart 1 with 2 ranks, from the newest checkpoint: rank 1 SIGKILL"]
    lines = render_text(update(restarts=1, warnings=said)).splitlines()
    assert f"warning: {said[0]}" in lines
    card = JobRecord()
    card.absorb(update(restarts=1, warnings=said))
    assert (card.card()["restarts"], card.card()["warnings"]) == (1, said)


def test_a_rank_that_the_message_names_is_not_named_twice() -> None:
    cause = Cause(code="signal", message="rank 1 SIGKILL", rank=1)
    assert "cause: rank 1 SIGKILL\n" in render_text(update(state="failed", cause=cause))


def test_a_succeeded_job_says_what_it_gave_and_what_to_do_with_it() -> None:
    text = render_text(
        update(
            state="succeeded",
            model="digits@3",
            metrics={"accuracy": 0.98055, "log_loss": None},
            cause=Cause(code="finished", message="finished"),
            ended_at=STARTED + timedelta(minutes=61),
        )
    )
    assert text.splitlines()[1:] == [
        "succeeded in 1 h 1 min",
        "held-out rows: accuracy 0.9806 · log_loss NaN",
        "model: digits@3",
        "next: %aimass promote digits@3 --alias production",
    ]


def test_a_job_that_never_ran_has_no_duration() -> None:
    text = render_text(update(state="stopped", started_at=None, ended_at=STARTED))
    assert text.splitlines()[1] == "stopped"


def test_losses_come_first_and_how_the_run_went_last() -> None:
    tags = ["speed/rows_per_second", "f1/validation", "log_loss/validation", "loss/train"]
    text = render_text(update(*(make_series(tag, [1.0]) for tag in tags)))
    assert [line.split()[0] for line in text.splitlines()[2:-1]] == tags[::-1]


@given(st.floats(allow_nan=False))
def test_a_bar_is_always_as_long(fraction: float) -> None:
    bar = progress_bar(fraction)
    assert len(bar) == BAR_CELLS + 2


@given(st.lists(numbers, max_size=200))
def test_a_sparkline_fits_and_shows_gaps_only_for_gaps(values: list[float | None]) -> None:
    line = sparkline(values)
    assert len(line) <= SPARK_CELLS
    assert set(line) <= set(" ▁▂▃▄▅▆▇█")
    if values and None not in values:
        assert " " not in line
    if all(value is None for value in values):
        assert line.strip() == ""


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=SPARK_CELLS, unique=True))
def test_the_highest_of_few_values_is_the_highest_bar(values: list[float]) -> None:
    assert sparkline(values)[values.index(max(values))] == "█"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (7260, "2 h 1 min")],
)
def test_durations_as_a_person_says_them(seconds: float, words: str) -> None:
    assert format_seconds(seconds) == words


@given(st.floats(-1e300, 1e300))
def test_a_number_keeps_four_digits(value: float) -> None:
    shown = float(format_number(value))
    assert math.isclose(shown, value, rel_tol=1e-3, abs_tol=1e-320)
