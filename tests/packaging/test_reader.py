"""The compiled part of the reader of event files: built where there is a compiler, else missed."""

from __future__ import annotations

import ctypes
import io
import shutil
from pathlib import Path

import pytest
from provision import machine
from provision.actions import Actions, Project
from provision.layout import Layout
from provision.programs import Programs, Screen

SOURCE = Path("server_ext") / "aimass_server" / "tracking" / "scan.c"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    """A checkout that has the source alone."""
    (tmp_path / SOURCE).parent.mkdir(parents=True)
    shutil.copy(ROOT / SOURCE, tmp_path / SOURCE)
    return Layout(tmp_path)


def build(layout: Layout, log: Path) -> str:
    programs = Programs(log, {"PATH": "/usr/bin:/bin"}, Screen(io.StringIO()), layout.root)
    return Actions(layout, Project(layout)).build_reader(programs)


def test_it_is_built_beside_its_source_and_can_be_loaded(checkout: Layout, tmp_path: Path) -> None:
    if machine.compiler() is None:
        pytest.skip("no C compiler on this machine")
    built = checkout.reader_source.with_suffix(".so")
    assert build(checkout, tmp_path / "log") == str(SOURCE.with_suffix(".so"))
    assert ctypes.CDLL(str(built)).scan is not None
    assert {path.name for path in built.parent.iterdir()} == {"scan.c", "scan.so"}


def test_a_source_that_does_not_compile_stops_nothing(checkout: Layout, tmp_path: Path) -> None:
    checkout.reader_source.write_text("this is no C")
    assert "NumPy alone" in build(checkout, tmp_path / "log")
    assert not checkout.reader_source.with_suffix(".so").exists()


def test_without_a_compiler_an_older_one_goes(
    checkout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "compiler", lambda: None)
    built = checkout.reader_source.with_suffix(".so")
    built.write_bytes(b"older")
    assert "no C compiler here" in build(checkout, tmp_path / "log")
    assert not built.exists()
