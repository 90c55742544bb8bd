"""The probe against installations that are not as they should be: it must find each fault."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from aimass_jupyter.contract.errors import Expired, Failed, TooLarge
from aimass_jupyter.host import read_record, write_bytes, write_record
from aimass_server.publishing import probe as probing
from aimass_server.publishing.notebook import FrozenNotebook, freeze
from aimass_server.publishing.probe import probe

TOKEN = "a token that viewers have"
#: The program behind a service, with one change before it runs.
PROGRAM = """
import sys
from pathlib import Path
from aimass_server.publishing import dashboard
from aimass_server.publishing.dashboard import Dashboard
{change}
dashboard.main(Path(sys.argv[1]))
"""
CODE_RUNS = """
settings = Dashboard.init_settings
def init_settings(self):
    found = settings(self)
    self.kernel_manager.allowed_message_types = []
    return found
Dashboard.init_settings = init_settings
"""
NO_TOKEN = """
tell = dashboard.configuration
def configuration(folder, settings):
    found = tell(folder, settings)
    found.Voila.token = ""
    return found
dashboard.configuration = configuration
"""
SOURCE_SHOWS = """
tell = dashboard.configuration
def configuration(folder, settings):
    found = tell(folder, settings)
    found.VoilaConfiguration.strip_sources = False
    return found
dashboard.configuration = configuration
"""
SEES_DEATH_FIRST = """
tell = dashboard.configuration
def configuration(folder, settings):
    found = tell(folder, settings)
    found.KernelRestarter.time_to_dead = 0.05
    return found
dashboard.configuration = configuration
"""
ANY_ORIGIN = """
tell = dashboard.tornado_settings
dashboard.tornado_settings = lambda: tell() | {"allow_origin": "*"}
"""

pytestmark = pytest.mark.slow


def frozen(*cells: str) -> FrozenNotebook:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return freeze(nbformat.writes(notebook).encode(), "probed.ipynb")


@contextmanager
def served(folder: Path, notebook: FrozenNotebook, change: str = "") -> Iterator[int]:
    """Serve a notebook by the changed program; yields its port."""
    path = folder / "notebook.ipynb"
    write_bytes(path, notebook.content)
    settings = {"notebook": str(path), "port": 0, "token": TOKEN, "cookie_secret": "x" * 32}
    write_record(folder / "settings.json", settings)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(change=change), str(folder)],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while (record := read_record(folder / "listening.json")) is None:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield int(record["port"])
    finally:
        process.terminate()
        process.wait(60)


def test_a_page_that_is_as_it_should_be_passes(tmp_path: Path) -> None:
    notebook = frozen("print(6 * 7)")
    with served(tmp_path, notebook) as port:
        probe(port, TOKEN, notebook)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (NO_TOKEN, "the page opens without its token"),
        (SOURCE_SHOWS, "the page shows the source of the notebook"),
        (CODE_RUNS, "a viewer of the page can run code in its kernel"),
        (ANY_ORIGIN, "the kernel's websocket opens to strangers"),
    ],
)
def test_an_open_door_is_found(tmp_path: Path, change: str, told: str) -> None:
    notebook = frozen("print(6 * 7)")
    with served(tmp_path, notebook, change) as port, pytest.raises(Failed, match=told):
        probe(port, TOKEN, notebook)


def test_a_kernel_that_dies_is_told_with_its_cell_whoever_sees_it_first(tmp_path: Path) -> None:
    notebook = frozen("1", "import os\nos._exit(1)", *["2"] * 60)
    told = "cell 2 failed: its kernel died"
    with (
        served(tmp_path, notebook, SEES_DEATH_FIRST) as port,
        pytest.raises(Failed, match=told) as caught,
    ):
        probe(port, TOKEN, notebook)
    assert "mend it" in caught.value.hint


def test_a_cell_that_does_not_end_is_told_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    runs_on = f"import pathlib, time\ntime.sleep(5)\npathlib.Path({str(begun)!r}).touch()\n"
    notebook = frozen("1", runs_on + "for _ in range(600): time.sleep(0.1)", "3")
    told = "cell 2 did not end within 60 s"

    def clock() -> float:
        """A minute is over once the second cell runs, however long its kernel took to start."""
        return time.monotonic() + (probing.PAGE_SECONDS if begun.exists() else 0)

    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=clock))
    with served(tmp_path, notebook) as port, pytest.raises(Expired, match=told) as caught:
        probe(port, TOKEN, notebook)
    assert "make it faster" in caught.value.hint


def test_a_page_without_end_is_not_gathered_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PAGE_BYTES", 3_000_000)
    notebook = frozen("1", "print('x' * 4_000_000)", "3")
    told = "larger than 3000000 bytes"
    with served(tmp_path, notebook) as port, pytest.raises(TooLarge, match=told) as caught:
        probe(port, TOKEN, notebook)
    assert "show less" in caught.value.hint
