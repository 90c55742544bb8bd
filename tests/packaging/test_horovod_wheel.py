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
from provision.programs import ProgramFailed, Programs, Screen
from provision.steps import digest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout with set-up's own files and an empty cache, on a machine without a compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("AIMASS_WITHOUT_HOROVOD", raising=False)
    compiled = shutil.ignore_patterns("__pycache__")  # it comes and goes while others run
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci", ignore=compiled)
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


def as_on_a_gpu_machine(layout: Layout, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A torch for CUDA with the NCCL package that comes with it, and a compiler for CUDA."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = layout.venv / "lib" / name / "site-packages"
    for path, text in (
        (packages / "torch" / "version.py", "cuda: Optional[str] = '13.0'\n"),
        (packages / "nvidia" / "nccl" / "include" / "nccl.h", "#define NCCL_MAJOR 2\n"),
        (packages / "nvidia" / "nccl" / "lib" / "libnccl.so.2", "not a real one"),
        (root / "cuda" / "bin" / "nvcc", "#!/bin/sh\n"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (root / "cuda" / "bin" / "nvcc").chmod(0o755)
    monkeypatch.setenv("HOROVOD_CUDA_HOME", str(root / "cuda"))
    monkeypatch.setenv("CXX", "/bin/true")
    return packages


def test_with_cuda_and_the_nccl_of_torch_the_build_is_told_of_both(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gloo = _shelf(layout)
    packages = as_on_a_gpu_machine(layout, tmp_path, monkeypatch)
    switches = HorovodWheel(layout)._switches()
    assert switches["HOROVOD_GPU_OPERATIONS"] == "NCCL"
    assert switches["HOROVOD_NCCL_LINK"] == "SHARED"
    assert switches["HOROVOD_CUDA_HOME"] == str(tmp_path / "cuda")
    home = Path(switches["HOROVOD_NCCL_HOME"])
    assert (home / "include" / "nccl.h").read_text() == "#define NCCL_MAJOR 2\n"
    assert (home / "lib" / "libnccl.so").resolve().name == "libnccl.so.2"

    shelves = {gloo, _shelf(layout)}
    (packages / "nvidia" / "nccl" / "include" / "nccl.h").write_text("#define NCCL_MAJOR 3\n")
    assert len({*shelves, _shelf(layout)}) == 3  # another NCCL, another wheel


@pytest.mark.parametrize("missing", ["nvcc", "nccl.h", "torch for CUDA"])
def test_what_nccl_lacks_is_built_with_gloo(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    packages = as_on_a_gpu_machine(layout, tmp_path, monkeypatch)
    if missing == "torch for CUDA":
        (packages / "torch" / "version.py").write_text("cuda: Optional[str] = None\n")
    else:
        next(tmp_path.rglob(missing)).unlink()
    assert "HOROVOD_GPU_OPERATIONS" not in HorovodWheel(layout)._switches()


def test_a_build_with_nccl_that_fails_is_done_with_gloo(
    layout: Layout, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel in gloo's place of the cache is what it falls back to, and it says so."""
    tried = []
    as_on_a_gpu_machine(layout, tmp_path, monkeypatch)
    monkeypatch.setattr("provision.horovod.obstacle_to_compiling", lambda: None)
    monkeypatch.setattr("provision.horovod.has_cmake", lambda path: True)

    def run(self: Programs, *argv: object, extra: dict[str, str] | None = None) -> None:
        tried.append((extra or {}).get("HOROVOD_GPU_OPERATIONS", "gloo"))
        raise ProgramFailed(["pip"], 1)

    monkeypatch.setattr(Programs, "run", run)
    with pytest.raises(ProgramFailed):
        HorovodWheel(layout).install(programs)
    assert tried == ["NCCL", "gloo"]
