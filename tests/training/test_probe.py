"""The probe: it takes what it measured to be quicker, in time, and disturbs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.training import probe
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.probe import CHOSEN, Way
from aimass_jupyter.training.rows import Part, Rows
from tests.training.conftest import MakeSpec, rows_of, train_here

PLAIN, LAST = Way("float32", "contiguous"), Way("float32", "channels_last")
HALF, HALF_LAST = Way("bf16", "contiguous"), Way("bf16", "channels_last")


@pytest.fixture
def rows(make_spec: MakeSpec) -> Rows:
    return rows_of(make_spec("digits"))


class Steps:
    """Steps that take the time that was planned for each way, by a clock that they alone move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: Mapping[Way, float]) -> None:
        self.now = 0.0
        self.rows: list[int] = []
        self._seconds = seconds
        monkeypatch.setattr(probe, "_clock", lambda: self.now)
        monkeypatch.setattr(probe._Trial, "_step", lambda trial, batch: self.step(trial, batch))

    def step(self, trial: probe._Trial, batch: Part) -> None:
        self.rows.append(len(batch))
        self.now += self._seconds[trial.way] * len(batch) / 64


def chosen(rows: Rows, folder: Path, worth: float = 0, **params: object) -> Way:
    found = hyperparameters_of("classification", {"precision": "auto", "epochs": 20, **params})
    task = find_task("classification", found)
    found = probe.choose_way(found, task, rows, SingleEngine(Place()), folder, worth)
    return Way(found.precision, found.layout)


TIMES = [
    ({PLAIN: 1.0, LAST: 0.8, HALF: 0.5, HALF_LAST: 0.4}, HALF_LAST),
    ({PLAIN: 1.0, LAST: 1.2, HALF: 0.5, HALF_LAST: 0.6}, HALF),
    ({PLAIN: 1.0, LAST: 0.98, HALF: 0.97, HALF_LAST: 0.96}, LAST),
    ({PLAIN: 1.0, LAST: 1.02, HALF: 2.9, HALF_LAST: 2.8}, PLAIN),
]


@pytest.mark.parametrize(("times", "wanted"), TIMES)
@pytest.mark.parametrize("scale", [0.01, 3.0])
def test_the_quickest_is_taken_and_found_in_two_seconds(
    rows: Rows,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: Mapping[Way, float],
    wanted: Way,
    scale: float,
) -> None:
    """However long steps are; beside two of the way that is usual."""
    steps = Steps(monkeypatch, {way: seconds * scale for way, seconds in times.items()})
    assert chosen(rows, tmp_path) == wanted
    assert steps.now - 2 * times[LAST] * scale < 2.2
    exact = min((PLAIN, LAST), key=times.__getitem__)
    assert chosen(rows, tmp_path, precision="float32") == exact


def test_of_a_precision_that_was_asked_for_the_layout_is_found(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Steps(monkeypatch, {HALF: 0.1, HALF_LAST: 0.2})
    assert chosen(rows, tmp_path, precision="bf16") == HALF
    assert chosen(rows, tmp_path, precision="bf16", layout="channels_last") == HALF_LAST


def test_without_time_to_compare_it_keeps_to_what_is_usual(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A way that takes unlike longer than it was thought to, as one that compiles would."""
    Steps(monkeypatch, {PLAIN: 90.0, LAST: 0.1, HALF: 0.01, HALF_LAST: 0.01})
    assert chosen(rows, tmp_path) == LAST


def test_a_short_job_is_not_probed_at_length(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, {LAST: 0.1})
    assert chosen(rows, tmp_path, worth=1e9) == LAST
    assert len(steps.rows) == 2
    assert chosen(rows, tmp_path, precision="float32", epochs=2) == LAST
    assert len(steps.rows) == 2  # it is known to be over soon: nothing is measured


def test_a_job_that_goes_on_computes_as_it_did(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Steps(monkeypatch, {PLAIN: 1.0, LAST: 2.0, HALF: 3.0, HALF_LAST: 3.0})
    assert chosen(rows, tmp_path) == PLAIN
    record = json.loads((tmp_path / CHOSEN).read_text())
    assert record == {"precision": "float32", "layout": "contiguous"}
    steps = Steps(monkeypatch, {})
    assert chosen(rows, tmp_path) == PLAIN
    assert not steps.rows


def test_a_real_measurement_leaves_the_random_state_alone(rows: Rows, tmp_path: Path) -> None:
    torch.manual_seed(5)
    wanted = torch.randn(3)
    torch.manual_seed(5)
    assert chosen(rows, tmp_path) in (PLAIN, LAST, HALF, HALF_LAST)
    assert torch.equal(torch.randn(3), wanted)


def test_a_job_says_what_it_took_and_learns_the_same(
    make_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, precision in (("given", "float32"), ("found", "auto")):
        (tmp_path / name).mkdir()
        train_here(make_spec("iris", epochs=1, precision=precision), tmp_path / name)
    bundles = [(tmp_path / name / "metrics.json").read_text() for name in ("given", "found")]
    assert "chosen: precision float32" in capsys.readouterr().out
    assert bundles[0].split('"bundle"')[0] == bundles[1].split('"bundle"')[0]
