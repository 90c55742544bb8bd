"""Notebooks without a kernel: a namespace, and cells whose text can be found again."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.source.package import Package, pack_cell


class Notebook:
    """Cells that were run, as IPython leaves them: values in a namespace, text in linecache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self._cells: list[str] = []

    def run(self, text: str) -> None:
        name = f"<ipython-input-{id(self)}-{len(self._cells)}>"
        self._cells.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), self.namespace)  # noqa: S102 - a notebook's own cell

    def pack(self, cell: str, **options: Any) -> Package:
        return pack_cell(cell, self.namespace, self.folder, **options)

    def close(self) -> None:
        for name in self._cells:
            linecache.cache.pop(name, None)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    """A notebook in a folder of its own."""
    notebook = Notebook(tmp_path)
    yield notebook
    notebook.close()


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[[Package], Path]:
    """Writes a package out and unpacks it, as a job finds it."""
    from aimass_jupyter.source.archive import unpack

    def make(package: Package) -> Path:
        archive = tmp_path / "package.zip"
        archive.write_bytes(package.content)
        folder = tmp_path / "unpacked"
        unpack(archive, folder)
        return folder

    return make
