"""What set-up sees of a machine, and what it passes on to the programs it starts."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from provision.layout import Layout
from provision.machine import accepts_node, child_environment, compilers_at_once, has_cmake

ROOT = Path(__file__).parents[2]


def test_where_packages_come_from_stays_and_where_they_go_does_not(tmp_path: Path) -> None:
    machine = {
        "PATH": "/usr/bin",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_FIND_LINKS": "/wheels",
        "PIP_CERT": "/ca.pem",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "PIP_TARGET": "/elsewhere",
        "PIP_USER": "1",
        "PIP_NO_DEPS": "1",
        "PIP_CONSTRAINT": "/other.txt",
        "PYTHONPATH": "/other",
        "NODE_ENV": "production",
        "HOROVOD_WITHOUT_GLOO": "1",
        "HOROVOD_NCCL_HOME": "/opt/nccl",
    }
    child = child_environment(Layout(tmp_path), machine)
    kept = {"PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "HTTPS_PROXY", "HOROVOD_NCCL_HOME"}
    assert {name: child[name] for name in kept} == {name: machine[name] for name in kept}
    gone = {"PIP_TARGET", "PIP_NO_DEPS", "PIP_CONSTRAINT", "PYTHONPATH", "NODE_ENV"}
    assert not gone & child.keys()
    assert "HOROVOD_WITHOUT_GLOO" not in child
    assert child["PIP_USER"] == "0"
    assert child["PATH"] == f"{tmp_path / '.venv' / 'bin'}:/usr/bin"


def test_makes_own_settings_do_not_reach_a_build(tmp_path: Path) -> None:
    child = child_environment(Layout(tmp_path), {"MAKEFLAGS": "n", "MAKELEVEL": "1"})
    assert child["MAKEFLAGS"] == f"-j{compilers_at_once()}"
    assert "MAKELEVEL" not in child


def test_as_many_compilers_as_processors_at_most() -> None:
    assert 1 <= compilers_at_once() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ((12, 22), False),
        ((18, 19), False),
        ((20, 18), False),
        ((20, 19), True),
        ((21, 7), False),
        ((22, 11), False),
        ((22, 12), True),
        ((24, 0), True),
    ],
)
def test_the_node_that_is_taken(version: tuple[int, int], *, accepted: bool) -> None:
    assert accepts_node(version) is accepted


def test_the_node_that_is_taken_is_the_one_the_extension_names() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["engines"]["node"] == "^20.19.0 || >=22.12.0"


def test_a_program_that_is_not_there_is_no_cmake(tmp_path: Path) -> None:
    assert not has_cmake(str(tmp_path))


@pytest.mark.parametrize(("said", "enough"), [("3.20.5", False), ("3.21.0", True), ("4.0", True)])
def test_cmake_is_taken_when_it_reads_the_toolchain_variable(
    tmp_path: Path, said: str, *, enough: bool
) -> None:
    program = tmp_path / "cmake"
    program.write_text(f"#!/bin/sh\necho cmake version {said}\n")
    program.chmod(0o755)
    assert has_cmake(str(tmp_path)) is enough


def test_set_up_names_no_registry_and_no_place_of_one_machine() -> None:
    files = [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".pre-commit-config.yaml"]
    files += [path for path in (ROOT / ".ci").rglob("*") if path.is_file()]
    # What Python compiles comes and goes while it runs.
    text = "".join(path.read_text() for path in files if "__pycache__" not in path.parts)
    assert not re.findall(r"https?://\S+", text)
    assert str(Path.home()) not in text
