"""The probe: it takes what it measured to be quicker, and disturbs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.training import probe
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Rows
from tests.training.conftest import MakeSpec, rows_of, train_here


@pytest.fixture
def rows(make_spec: MakeSpec) -> Rows:
    return rows_of(make_spec("digits"))


def chosen(rows: Rows, worth: float, **params: object) -> str:
    found = hyperparameters_of("classification", {"precision": "auto", **params})
    task = find_task("classification", found)
    return probe.choose_precision(found, task, rows, SingleEngine(Place()), worth).precision


def test_a_short_job_is_not_probed_at_length(rows: Rows) -> None:
    assert chosen(rows, worth=1e9) == "float32"


@pytest.mark.parametrize(("half", "wanted"), [(0.5, "bf16"), (0.97, "float32"), (2.9, "float32")])
def test_the_clearly_quicker_is_taken(
    rows: Rows, monkeypatch: pytest.MonkeyPatch, half: float, wanted: str
) -> None:
    monkeypatch.setattr(probe, "_seconds", lambda name, *more: half if name == "bf16" else 1.0)
    assert chosen(rows, worth=0) == wanted


def test_a_real_measurement_leaves_the_random_state_alone(rows: Rows) -> None:
    torch.manual_seed(5)
    wanted = torch.randn(3)
    torch.manual_seed(5)
    assert chosen(rows, worth=0) in ("float32", "bf16")
    assert torch.equal(torch.randn(3), wanted)


def test_a_job_says_what_it_took_and_learns_the_same(
    make_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, precision in (("given", "float32"), ("found", "auto")):
        (tmp_path / name).mkdir()
        train_here(make_spec("iris", epochs=1, precision=precision), tmp_path / name)
    bundles = [(tmp_path / name / "metrics.json").read_text() for name in ("given", "found")]
    assert "precision auto: float32" in capsys.readouterr().out
    assert bundles[0].split('"bundle"')[0] == bundles[1].split('"bundle"')[0]
