"""The notebook on own code, executed from clean."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import Server

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "own_code.ipynb"


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMASS_DATA", str(server.folder))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": tmp_path}}).execute()
    listed = str(notebook.cells[5].outputs)
    assert "network" in listed
    assert "HIDDEN" in listed
    assert "digits-own@2" in str(notebook.cells[-1].outputs)
