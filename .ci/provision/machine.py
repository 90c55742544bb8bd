"""What this computer offers, and what a program started by set-up inherits from it.

Looks only: it installs nothing and changes nothing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from provision.layout import Layout

OLDEST_CMAKE = (3, 21)  # the first that reads CMAKE_TOOLCHAIN_FILE from the environment
BYTES_PER_COMPILER = 2 * 1024**3  # what one compiler process takes with torch's headers

# Settings that send pip's work elsewhere, or make it install something else than was asked.
# Where packages come from (index, links, proxy, certificates) stays the machine's business.
DIVERTING_PIP_OPTIONS = frozenset(
    "PIP_" + option
    for option in (
        "TARGET PREFIX ROOT USER PYTHON REQUIREMENT EDITABLE CONSTRAINT BUILD_CONSTRAINT NO_DEPS "
        "ONLY_DEPS IGNORE_INSTALLED FORCE_REINSTALL UPGRADE UPGRADE_STRATEGY PRE NO_BINARY "
        "ONLY_BINARY PREFER_BINARY NO_BUILD_ISOLATION USE_PEP517 REQUIRE_HASHES "
        "REQUIRE_VIRTUALENV DRY_RUN REPORT QUIET VERBOSE LOG SRC WHEEL_DIR DEST GLOBAL_OPTION "
        "BUILD_OPTION INSTALL_OPTION CONFIG_SETTINGS IGNORE_REQUIRES_PYTHON PLATFORM ABI "
        "PYTHON_VERSION IMPLEMENTATION BREAK_SYSTEM_PACKAGES COMPILE NO_COMPILE"
    ).split()
)
DIVERTING = frozenset(
    "PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONDONTWRITEBYTECODE PYTHONUSERBASE "
    "PYTHONWARNINGS PYTHONOPTIMIZE __PYVENV_LAUNCHER__ CONDA_PREFIX "
    "MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS NODE_ENV NODE_OPTIONS NODE_PATH "
    "CMAKE_TOOLCHAIN_FILE CMAKE_GENERATOR CMAKE_BUILD_TYPE HATCH_JUPYTER_BUILDER_SKIP_NPM "
    "CFLAGS CXXFLAGS CPPFLAGS LDFLAGS DESTDIR npm_config_global npm_config_omit "
    "npm_config_only npm_config_production npm_config_prefix npm_config_ignore_scripts".split()
)
HOROVOD_PLACES = frozenset({"HOROVOD_CUDA_HOME", "HOROVOD_NCCL_HOME", "HOROVOD_NCCL_LINK"})


def child_environment(layout: Layout, machine: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of every program set-up starts: the machine's, less what diverts."""
    kept = {name: value for name, value in machine.items() if not _diverts(name)}
    path = kept.get("PATH") or os.defpath
    return kept | {
        "PATH": f"{layout.venv / 'bin'}{os.pathsep}{path}",
        "VIRTUAL_ENV": str(layout.venv),
        "MAKEFLAGS": f"-j{compilers_at_once()}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",  # over a setting in pip's own files
        "PIP_PROGRESS_BAR": "off",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _diverts(name: str) -> bool:
    if name.startswith("HOROVOD_"):
        return name not in HOROVOD_PLACES
    return name in DIVERTING or name in DIVERTING_PIP_OPTIONS


def compilers_at_once() -> int:
    """As many compiler processes as this machine has processors and memory for."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // BYTES_PER_COMPILER))


def obstacle_to_compiling() -> str | None:
    """Why C++ extensions of Python cannot be built here, or None when they can."""
    compiler = cxx_compiler()
    if compiler is None:
        return "no C++ compiler (looked for $CXX, c++, g++, clang++)"
    if not _accepts_cxx20(compiler):
        return f"{compiler} does not know C++20 (needs g++ 10 or clang++ 11)"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the headers of Python are missing (Debian: python3-dev)"
    return None


def cxx_compiler() -> str | None:
    """The C++ compiler that CMake would take, by path."""
    for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++"):
        if found := shutil.which(name):
            return found
    return None


def _accepts_cxx20(compiler: str) -> bool:
    argv = [compiler, "-std=gnu++20", "-fsyntax-only", "-x", "c++", os.devnull]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def has_node(path: str | None = None) -> bool:
    """Whether npm and a Node that the lab extension's build accepts are on the path."""
    version = _version_of("node", path)
    return version is not None and accepts_node(version) and bool(shutil.which("npm", path=path))


def accepts_node(version: tuple[int, ...]) -> bool:
    """The versions that ``engines`` in labextension/package.json names."""
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def has_cmake(path: str | None = None) -> bool:
    """Whether a CMake new enough for the toolchain file is on the path."""
    version = _version_of("cmake", path)
    return version is not None and version >= OLDEST_CMAKE


def _version_of(program: str, path: str | None) -> tuple[int, ...] | None:
    """The first version number that ``program --version`` prints."""
    found = shutil.which(program, path=path)
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)\.(\d+)", said)
    return tuple(int(part) for part in number.groups()) if number else None


def cuda_home() -> Path | None:
    """The CUDA toolkit: the folder above NVIDIA's compiler."""
    named = os.environ.get("HOROVOD_CUDA_HOME", "")
    found = shutil.which("nvcc")
    homes = [Path(found).resolve().parents[1]] if found else []
    homes = [Path(named)] if named else [*homes, Path("/usr/local/cuda")]
    return next((home for home in homes if (home / "bin" / "nvcc").is_file()), None)


def nccl_header(packages: Path) -> Path | None:
    """The header of NVIDIA's collectives library.

    The one that is named, else that of the package which came with torch in ``packages``: the
    library beside it is the one that torch loads. Else the system's.
    """
    named = os.environ.get("HOROVOD_NCCL_HOME", "")
    homes = [packages / "nvidia" / "nccl", Path("/usr"), *filter(None, [cuda_home()])]
    homes = [Path(named)] if named else homes
    headers = [home / "include" / "nccl.h" for home in homes]
    return next((header for header in headers if header.is_file()), None)


def compiler() -> str | None:
    """A C compiler: the one in $CC, or the system's."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if found := shutil.which(name):
            return found
    return None


def host_programs() -> str:
    """Where sshd and ip are, which the tests of clusters make hosts with; empty without one."""
    found = [shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") for name in ("sshd", "ip")]
    return ", ".join(filter(None, found)) if all(found) else ""


def browser() -> str | None:
    """The Chromium that the browser tests would drive."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


def may_install_with_apt() -> bool:
    """Whether this is a Debian or a relative of it, and we are root."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    release = platform.freedesktop_os_release()
    return "debian" in f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
