"""The Horovod wheel: its key, going without, and a cached one that does not work."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from provision.horovod import HorovodWheel
from provision.layout import Layout, wheel_cache
from provision.machine import child_environment
from provision.programs import Programs, Screen
from provision.steps import digest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout with set-up's own files and an empty cache, on a machine without a compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("AIMASS_WITHOUT_HOROVOD", raising=False)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return Layout(tmp_path)


@pytest.fixture
def programs(layout: Layout) -> Programs:
    log = layout.root / "horovod.log"
    return Programs(log, child_environment(layout), Screen(io.StringIO()), layout.root)


def _shelf(layout: Layout) -> Path:
    return wheel_cache() / digest(HorovodWheel(layout).inputs())[:16]


def test_the_key_follows_the_build_of_torch_and_the_toolchain(layout: Layout) -> None:
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    version = layout.venv / "lib" / name / "site-packages" / "torch" / "version.py"
    version.parent.mkdir(parents=True)
    keys = set()
    for build in ("2.13.0+cpu", "2.13.0+cu130", "2.14.0+cpu"):
        version.write_text(f"__version__ = '{build}'\ncuda = None\n")
        keys.add(_shelf(layout))
    (layout.tooling / "horovod" / "toolchain.cmake").write_text("# another\n")
    keys.add(_shelf(layout))
    assert len(keys) == 4


def test_without_a_compiler_one_line_says_what_runs_instead(
    layout: Layout, programs: Programs
) -> None:
    said = HorovodWheel(layout).install(programs)
    assert said.startswith("no C++ compiler")
    assert said.endswith("run on torchrun")


def test_going_without_by_choice(
    layout: Layout, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = HorovodWheel(layout).circumstances()
    monkeypatch.setenv("AIMASS_WITHOUT_HOROVOD", "1")
    assert HorovodWheel(layout).circumstances() != before  # so that the step runs again
    assert "AIMASS_WITHOUT_HOROVOD is set" in HorovodWheel(layout).install(programs)


@pytest.mark.slow
def test_a_cached_wheel_that_does_not_install_is_thrown_away(
    layout: Layout, programs: Programs
) -> None:
    subprocess.run([sys.executable, "-m", "venv", layout.venv], check=True, timeout=120)
    wheel = _shelf(layout) / "horovod-0.28.1-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"PK: cut off by a full disk")
    assert HorovodWheel(layout).install(programs).startswith("no C++ compiler")
    assert not wheel.exists()
