"""What the tests of this room share: importing through the importer's own door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.data.importer import main

Outcome = dict[str, Any]
Import = Callable[..., Outcome]


@pytest.fixture
def import_file(tmp_path: Path) -> Import:
    """Import bytes under a name; the answer is the description or the problem, and the folder."""

    def run(content: bytes | str, filename: str, label: str | None = None) -> Outcome:
        blob = tmp_path / "blob"
        blob.write_bytes(content.encode() if isinstance(content, str) else content)
        source = {"path": str(blob), "filename": filename}
        return _import(tmp_path / "work", source, label)

    return run


@pytest.fixture
def import_builtin(tmp_path: Path) -> Import:
    """Import a data set of scikit-learn."""

    def run(name: str, label: str | None = None) -> Outcome:
        return _import(tmp_path / "work", {"builtin": name}, label)

    return run


def _import(folder: Path, source: dict[str, str], label: str | None) -> Outcome:
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    (folder / "request.json").write_text(json.dumps({"source": source, "label": label}))
    code = main([str(folder)])
    names = {path.name for path in folder.iterdir()} - {"request.json"}
    assert names == ({"error.json"} if code else {"data.arrow", "description.json"})
    answer: Outcome = json.loads(
        (folder / ("error.json" if code else "description.json")).read_text()
    )
    return answer | {"folder": folder}
