"""A small storm; ``make chaos`` runs a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.report import storm_and_judge


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_storm_of_kills_breaks_no_promise(tmp_path: Path) -> None:
    report = storm_and_judge(tmp_path, kills=5, seed=7, long_down=1.0)
    assert report.kills >= 5
    assert report.acknowledged >= 3
    assert report.violations == [], str(report)
