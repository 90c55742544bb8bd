"""Installing Python packages, and finding those that an interrupted installation left half written.

pip takes a package for installed as soon as its metadata lies there, whole or not. Forgetting
the metadata of those that are not whole makes pip install them again, and nothing else.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from provision.layout import Layout
from provision.programs import Programs


def pip_install(layout: Layout, programs: Programs, *what: str) -> None:
    """Install into the environment, within the project's pins."""
    if programs.resumed:
        forget_half_written(layout.venv)
    programs.run(layout.python, "-m", "pip", "install", "--constraint", layout.constraints, *what)


def forget_half_written(venv: Path) -> list[str]:
    """Remove the metadata of packages that are not whole; their names and versions."""
    broken = [
        metadata
        for metadata in sorted(venv.glob("lib/python3.*/site-packages/*.dist-info"))
        if not _is_whole(metadata)
    ]
    for metadata in broken:
        shutil.rmtree(metadata)
    return [metadata.name.removesuffix(".dist-info") for metadata in broken]


def _is_whole(metadata: Path) -> bool:
    """Whether each file that the package's record names is there in its size."""
    record = metadata / "RECORD"
    if not record.is_file() or not (metadata / "METADATA").is_file():
        return False
    with record.open(newline="", encoding="utf-8") as rows:
        return all(_is_there(metadata.parent, row) for row in csv.reader(rows))


def _is_there(site: Path, row: list[str]) -> bool:
    name, _, size = row
    if not size:  # compiled files and the record itself: made on the way, not checked
        return True
    path = site / name
    return path.is_file() and path.stat().st_size == int(size)
