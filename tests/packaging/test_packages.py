"""What an interrupted installation left half written is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from provision.packages import forget_half_written


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def _install(site: Path, name: str) -> Path:
    """Lay a package as pip does; its metadata folder."""
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (site / f"{name}.py").write_text("x = 1\n")
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    rows = [f"{name}.py,sha256=x,6", f"{metadata.name}/RECORD,,", "__pycache__/gone.pyc,,"]
    (metadata / "RECORD").write_text("\n".join(rows) + "\n")
    return metadata


def test_whole_packages_stay(tmp_path: Path, site: Path) -> None:
    metadata = _install(site, "whole")
    assert forget_half_written(tmp_path) == []
    assert metadata.is_dir()


@pytest.mark.parametrize(
    "lost", ["cut.py", "cut-1.0.dist-info/RECORD", "cut-1.0.dist-info/METADATA"]
)
def test_a_package_with_a_file_missing_is_forgotten(tmp_path: Path, site: Path, lost: str) -> None:
    whole, cut = _install(site, "whole"), _install(site, "cut")
    (site / lost).unlink()
    assert forget_half_written(tmp_path) == ["cut-1.0"]
    assert whole.is_dir()
    assert not cut.exists()


def test_a_file_cut_short_is_found(tmp_path: Path, site: Path) -> None:
    _install(site, "cut")
    (site / "cut.py").write_text("x =")
    assert forget_half_written(tmp_path) == ["cut-1.0"]
