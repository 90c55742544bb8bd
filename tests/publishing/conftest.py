"""Notebooks to publish, and what their processes are found by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from aimass_jupyter.contract.services import Service
from aimass_jupyter.host import ProcessIdentity, marked_processes

WriteNotebook = Callable[..., Path]
Processes = Callable[[Service], list[ProcessIdentity]]


@pytest.fixture(scope="session")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> WriteNotebook:
    """Write a notebook with these code cells."""

    def write(*cells: str, name: str = "report", kernel: str = "python3") -> Path:
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
        )
        path = tmp_path_factory.mktemp("notebooks") / f"{name}.ipynb"
        nbformat.write(content, path)
        return path

    return write


@pytest.fixture(scope="session")
def processes() -> Processes:
    """The processes of a service at its version: supervisor's child, Voila, kernels."""

    def find(service: Service) -> list[ProcessIdentity]:
        marker = f"{service.id}@{service.version}"
        return list(marked_processes("AIMASS_SERVICE_VERSION", marker))

    return find
