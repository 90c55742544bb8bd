"""Data that cannot be learnt from: the job's cause names row, column and value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.launch.conftest import Launched, imported

pytestmark = [pytest.mark.slow]


@pytest.fixture
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five hundred rows; in the 321st the class was measured, not counted."""
    folder = tmp_path_factory.mktemp("measured")
    rows = [f"{n},{n % 3}" for n in range(500)]
    rows[320] = "320,1.5"
    (folder / "m.csv").write_text("\n".join(["size,kind", *rows, ""]))
    return imported(folder, {"path": str(folder / "m.csv"), "filename": "m.csv"})


@pytest.fixture
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, one of them with a pixel that is no number."""
    folder = tmp_path_factory.mktemp("spoilt")
    images = np.random.default_rng(0).random((1500, 8, 8), dtype=np.float32)
    images[1233, 2, 3] = np.nan
    np.savez(folder / "i.npz", image=images, digit=np.arange(1500) % 3)
    return imported(folder, {"path": str(folder / "i.npz"), "filename": "i.npz"})


def test_a_class_that_is_none_is_told_with_its_row(
    job: Callable[..., Launched], measured: Path
) -> None:
    launched = job("torchrun", 2, dataset=measured, label="kind", options={"max_restarts": 2})
    launched.run()
    assert launched.cause["code"] == "bad-data", launched.cause
    assert launched.cause["message"].startswith("row 321, column 'kind': 1.5 is no class")
    assert not (launched.folder / "restarts.json").exists()


def test_a_spoilt_pixel_is_told_with_its_row(job: Callable[..., Launched], spoilt: Path) -> None:
    launched = job("single", 1, dataset=spoilt)
    launched.run()
    assert launched.cause["code"] == "bad-data", launched.cause
    assert launched.cause["message"].startswith("row 1,234, column 'image': some of its pixels")
