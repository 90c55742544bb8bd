"""The manual says what there is: each operation, error, trait and variable has its place in it."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client.command_line import parse
from aimass_jupyter.contract import errors
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.table import OPERATIONS
from aimass_jupyter.magics.words import split, take_name
from aimass_server.access.policy import RIGHTS
from aimass_server.app import AimassApp

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(MANUAL.rglob("*.md"))]
REFERENCE = MANUAL / "users" / "reference.md"
CONFIGURATION = MANUAL / "operators" / "configuration.md"
TROUBLESHOOTING = MANUAL / "users" / "troubleshooting.md"

#: Hosts that a page may name: this machine, and examples that nobody owns.
HOSTS = {"127.0.0.1", "localhost"}
LOCAL_VERBS = {"up", "down", "--version", "help"}

ids = [str(page.relative_to(ROOT)) for page in PAGES]
each_page = pytest.mark.parametrize("page", PAGES, ids=ids)


def test_the_reference_is_up_to_date() -> None:
    check = [sys.executable, str(MANUAL / "reference.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
def test_every_operation_has_its_heading(name: str) -> None:
    assert f"### {name}" in headings(REFERENCE)


@pytest.mark.parametrize("short", list(OPERATIONS.shorts))
def test_every_short_form_is_in_the_reference_and_with_the_magics(short: str) -> None:
    assert f"`{short}`" in first_cells(REFERENCE)
    magics = " ".join(first_cells(MANUAL / "users" / "magics.md"))
    assert f"`{short}`" in magics


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_algorithm_has_its_hyperparameters(name: str) -> None:
    section = REFERENCE.read_text().partition(f"\n### {name}\n")[2].partition("\n#")[0]
    for field in ALGORITHMS[name].hyperparameters.model_fields:
        assert f"| `--{field.replace('_', '-')}` |" in section


@pytest.mark.parametrize("kind", list(errors._BY_CODE.values()), ids=lambda kind: str(kind.code))
def test_every_error_has_its_row(kind: type[AimassError]) -> None:
    row = f"| `{kind.code}` | `{kind.__name__}` | {kind.status} |"
    assert row in TROUBLESHOOTING.read_text()


@pytest.mark.parametrize("trait", sorted(AimassApp.class_own_traits(config=True)))
def test_every_trait_has_its_row(trait: str) -> None:
    assert f"`AimassApp.{trait}`" in first_cells(CONFIGURATION)


def test_the_environment_variables_of_the_manual_are_those_of_the_source() -> None:
    known = set(re.findall(r"`(AIMASS_[A-Z_]+)`", " ".join(first_cells(CONFIGURATION))))
    assert known == variables_in_source()


def test_the_rights_of_the_manual_are_those_of_the_policy() -> None:
    rows = {cells[0]: cells[1:] for cells in table_rows(CONFIGURATION)}
    for right in set().union(*RIGHTS.values()):
        told = [role for role, cell in zip(RIGHTS, rows[f"`{right}`"], strict=True) if cell]
        assert told == [role for role in RIGHTS if right in RIGHTS[role]], right


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_the_architecture_names_every_room() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = [layer for contract in contracts for layer in contract.get("layers", [])]
    rooms = {room.strip() for layer in layers for room in layer.split("|")} - {"__main__"}
    told = (MANUAL / "developers" / "architecture.md").read_text()
    assert [room for room in sorted(rooms) if f"`{room}`" not in told] == []


def test_no_two_decisions_have_one_number() -> None:
    numbers = Counter(page.name[:4] for page in (MANUAL / "decisions").glob("*.md"))
    assert [number for number, pages in numbers.items() if pages > 1] == []


@each_page
def test_no_two_headings_have_one_address(page: Path) -> None:
    twice = [name for name, count in Counter(addresses(page)).items() if count > 1]
    assert not twice


@each_page
def test_no_page_names_a_machine_or_a_foreign_host(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"(?<![\w.<])/(home|root|Users|work)/", text)
    hosts = set(re.findall(r"\w+://([\w.-]+)", text))
    assert hosts <= HOSTS


@each_page
def test_every_command_of_a_page_is_one(page: Path) -> None:
    for magic, line in commands(page):
        words = words_of_magic(line) if magic else shlex.split(line, comments=True)
        if words and words[0] not in LOCAL_VERBS:
            parse(words)


@each_page
def test_every_piece_of_python_is_python(page: Path) -> None:
    for language, code in blocks(page.read_text()):
        if language == "python":
            ast.parse(code)


def headings(page: Path) -> list[str]:
    return [line for line in without_code(page.read_text()).splitlines() if line.startswith("#")]


def addresses(page: Path) -> list[str]:
    """What a heading is called in an address, as GitHub calls it."""
    titles = (re.sub(r"[`*]", "", line.lstrip("#").strip().lower()) for line in headings(page))
    return [re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles]


def anchors(page: Path) -> set[str]:
    return set(addresses(page))


def table_rows(page: Path) -> Iterator[list[str]]:
    for line in without_code(page.read_text()).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def first_cells(page: Path) -> list[str]:
    return [cells[0] for cells in table_rows(page)]


def variables_in_source() -> set[str]:
    """Our environment variables, wherever code reads or sets one."""
    folders = ("aimass_jupyter", "server_ext", ".ci", "notebooks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text() for path in files)
    return set(re.findall(r"\bAIMASS_[A-Z_]*[A-Z]\b", text))


def blocks(text: str) -> list[tuple[str, str]]:
    """Fenced blocks with their language."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[tuple[str, str]]:
    """What follows ``aimass`` in lines of code, fenced or indented; ``%`` before a magic."""
    text = page.read_text()
    code = "\n".join(code for language, code in blocks(text) if language in ("", "sh"))
    indented = "\n".join(re.findall(r"^ {4}(.*)$", without_code(text), re.MULTILINE))
    lines = re.compile(r"^\s*(?:\w+ = )?(%?)aimass +(.+)$", re.MULTILINE)
    return lines.findall(f"{code}\n{indented}")


def words_of_magic(line: str) -> list[Any]:
    """The words of a magic, in a notebook that has every name that the line uses."""
    line = line.partition("  #")[0]
    return take_name(split(line, dict.fromkeys(re.findall(r"[a-z_]\w*", line), 1)))[0]
