"""The Horovod wheel: built once for a Python and a torch, checked by running it, then cached.

Horovod ships as source only. Its build is the longest part of set-up, so the finished wheel goes
to a cache of the user's, under a key of everything it was built from.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from provision.layout import Layout, wheel_cache
from provision.machine import (
    cuda_home,
    cxx_compiler,
    has_cmake,
    nccl_header,
    obstacle_to_compiling,
)
from provision.packages import pip_install
from provision.programs import ProgramFailed, Programs
from provision.steps import digest

VERSION = "0.28.1"
WITHOUT = "AIMASS_WITHOUT_HOROVOD"
TORCHRUN = "jobs with several processes run on torchrun"


def unwanted() -> bool:
    """Whether the person who runs set-up goes without Horovod by choice."""
    return os.environ.get(WITHOUT, "0") not in ("", "0")


@dataclass(frozen=True)
class HorovodWheel:
    """Builds, checks and keeps the wheel of one environment."""

    layout: Layout
    without_nccl: bool = False

    def inputs(self) -> Iterable[str | Path]:
        """What the wheel depends on; with these unchanged the finished one serves."""
        yield f"horovod {VERSION} {self._operations()}"
        yield f"cp{sys.version_info[0]}{sys.version_info[1]} {platform.machine()}"
        yield " ".join(platform.libc_ver())
        yield self._torch_version()
        yield self.layout.tooling / "horovod"
        if self._operations() == "NCCL":
            yield f"{cuda_home()}"
            yield nccl_header(self._packages()) or ""

    def circumstances(self) -> str:
        """What decides between Horovod and torchrun on this machine."""
        return f"{WITHOUT} is set" if unwanted() else obstacle_to_compiling() or "can compile"

    def install(self, programs: Programs) -> str:
        """Install Horovod, from the cache where it can; says which engine jobs will have."""
        if unwanted():
            return self._go_without(f"{WITHOUT} is set", programs)
        cached = self._cached()
        if cached is not None and self._works(cached, programs):
            return f"Horovod {VERSION} ({self._operations()}), from {cached.parent}"
        if reason := obstacle_to_compiling():
            return self._go_without(reason, programs)
        try:
            built = self._build(programs)
            self._install_and_check(built, programs)
        except ProgramFailed:
            if self._operations() == "gloo":
                raise
            said = replace(self, without_nccl=True).install(programs)
            return f"{said}; its build with NCCL failed: {programs.log}"
        return f"Horovod {VERSION} ({self._operations()}), kept in {self._keep(built).parent}"

    def _go_without(self, reason: str, programs: Programs) -> str:
        if self.layout.script("horovodrun").exists():
            programs.run(self.layout.python, "-m", "pip", "uninstall", "--yes", "horovod")
        return f"{reason}: {TORCHRUN}"

    def _works(self, cached: Path, programs: Programs) -> bool:
        """Whether a cached wheel runs here; one that does not is thrown away."""
        try:
            self._install_and_check(cached, programs)
        except ProgramFailed:
            cached.unlink()
            return False
        return True

    def _build(self, programs: Programs) -> Path:
        if not has_cmake(programs.environment["PATH"]):
            pip_install(self.layout, programs, "cmake")
        out = self.layout.logs / "horovod"
        shutil.rmtree(out, ignore_errors=True)
        programs.run(
            *(self.layout.python, "-m", "pip", "--verbose", "wheel"),
            *("--no-build-isolation", "--no-deps", "--no-cache-dir", "--no-binary", "horovod"),
            *("--wheel-dir", out, f"horovod=={VERSION}"),
            extra=self._switches(),
        )
        return next(out.glob("horovod-*.whl"))

    def _switches(self) -> dict[str, str]:
        """Horovod's own switches, and the file that lifts its C++ standard."""
        return self._gpu_switches() | {
            "CMAKE_TOOLCHAIN_FILE": str(self.layout.tooling / "horovod" / "toolchain.cmake"),
            "CMAKE_POLICY_VERSION_MINIMUM": "3.5",  # CMake 4 refuses gloo's older request
            "CXX": str(cxx_compiler()),
            "HOROVOD_WITH_PYTORCH": "1",
            "HOROVOD_WITH_GLOO": "1",
            "HOROVOD_WITHOUT_MPI": "1",
            "HOROVOD_WITHOUT_TENSORFLOW": "1",
            "HOROVOD_WITHOUT_MXNET": "1",
        }

    def _gpu_switches(self) -> dict[str, str]:
        """What a build with NCCL needs to be told beside what the machine's environment says."""
        header = nccl_header(self._packages())
        if self._operations() != "NCCL" or header is None:
            return {}
        switches = {"HOROVOD_GPU_OPERATIONS": "NCCL", "HOROVOD_CUDA_HOME": str(cuda_home())}
        if header.is_relative_to(self._packages()):
            linked = {
                "HOROVOD_NCCL_HOME": str(self._linkable(header)),
                "HOROVOD_NCCL_LINK": "SHARED",
            }
            return switches | linked
        return switches

    def _linkable(self, header: Path) -> Path:
        """A folder as the linker wants it: the package has no ``libnccl.so`` without a number."""
        home = self.layout.logs / "nccl"
        shutil.rmtree(home, ignore_errors=True)
        (home / "lib").mkdir(parents=True)
        (home / "include").symlink_to(header.parent, target_is_directory=True)
        library = next(header.parents[1].joinpath("lib").glob("libnccl.so*"))
        (home / "lib" / "libnccl.so").symlink_to(library)
        return home

    def _install_and_check(self, wheel: Path, programs: Programs) -> None:
        pip_install(self.layout, programs, "--no-deps", "--force-reinstall", str(wheel))
        programs.run(
            *(self.layout.script("horovodrun"), "-np", "2", "--gloo", "--start-timeout", "120"),
            *(self.layout.python, self.layout.tooling / "horovod" / "allreduce.py"),
        )

    def _cached(self) -> Path | None:
        return next(iter(sorted(self._shelf().glob("horovod-*.whl"))), None)

    def _keep(self, wheel: Path) -> Path:
        """Put a checked wheel into the cache; others see it whole or not at all."""
        shelf = self._shelf()
        shelf.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=shelf, prefix=".", delete=False) as draft:
            draft.write(wheel.read_bytes())
        Path(draft.name).chmod(0o644)
        return Path(draft.name).replace(shelf / wheel.name)

    def _shelf(self) -> Path:
        return wheel_cache() / digest(self.inputs())[:16]

    def _operations(self) -> str:
        """What moves tensors: NCCL where torch and the machine both have CUDA, else gloo."""
        if self.without_nccl:
            return "gloo"
        version = self._torch_version()
        text = version.read_text(encoding="utf-8") if version.is_file() else ""
        built_for_cuda = re.search(r"^cuda\b.*=\s*['\"]\d", text, re.MULTILINE)
        there = built_for_cuda and cuda_home() and nccl_header(self._packages())
        return "NCCL" if there else "gloo"

    def _torch_version(self) -> Path:
        """The file in which torch says its version and what it was built for."""
        return self._packages() / "torch" / "version.py"

    def _packages(self) -> Path:
        """Where the environment has its packages."""
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.layout.venv / "lib" / name / "site-packages"
