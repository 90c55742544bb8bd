"""The wheel as people install it: both packages, the built lab extension, enabled by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "aimass_jupyter" / "labextension" / "static" / "style.js"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUILT.is_file(), reason="no built lab extension: run `make setup`"),
]


def _run(*argv: str | Path, path: str | None = None) -> str:
    environment = {**os.environ, "PATH": path or os.environ["PATH"], "PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        [str(word) for word in argv],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was made from it, without Node on the path."""
    out = tmp_path_factory.mktemp("dist")
    _run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT),
        path=str(Path(sys.executable).parent),
    )
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def _shared(wheel: zipfile.ZipFile) -> dict[str, str]:
    """Files that land under the environment's prefix, by where they land."""
    prefix = re.compile(r"^[^/]+\.data/data/(.+)$")
    found = {name: prefix.match(name) for name in wheel.namelist()}
    return {match[1]: name for name, match in found.items() if match}


def test_it_carries_the_packages_and_not_their_surroundings(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist() if ".d" not in name.split("/")[0]}
    assert tops == {"aimass_jupyter", "aimass_server"}
    carried = set(wheel.namelist())
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "aimass_jupyter", "server_ext/aimass_server"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    missing = [name for name in tracked if name.removeprefix("server_ext/") not in carried]
    assert missing == []


def test_it_carries_the_built_lab_extension_once(wheel: zipfile.ZipFile) -> None:
    shared = _shared(wheel)
    extension = "share/jupyter/labextensions/aimass-jupyter"
    package = json.loads(wheel.read(shared[f"{extension}/package.json"]))
    assert f"{extension}/{package['jupyterlab']['_build']['load']}" in shared
    assert f"{extension}/static/style.js" in shared
    install = json.loads(wheel.read(shared[f"{extension}/install.json"]))
    assert install["packageName"] == "aimass-jupyter"
    assert not [name for name in wheel.namelist() if name.startswith("aimass_jupyter/labextension")]


def test_it_enables_the_server_extension(wheel: zipfile.ZipFile) -> None:
    name = _shared(wheel)["etc/jupyter/jupyter_server_config.d/aimass_server.json"]
    settings = json.loads(wheel.read(name))
    assert settings == {"ServerApp": {"jpserver_extensions": {"aimass_server": True}}}


def test_its_version_is_the_lab_extensions(metadata: Message) -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert metadata["Version"] == package["version"]


def test_it_asks_for_what_pyproject_asks_for(metadata: Message) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    plain = {str(found) for found in asked if found.marker is None}
    assert plain == {str(Requirement(line)) for line in project["dependencies"]}
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_the_sdist_carries_what_a_wheel_is_made_from(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert {"pyproject.toml", "LICENSE", "README.md", "labextension/package.json"} <= names
    assert "aimass_jupyter/labextension/static/style.js" in names
    assert not [name for name in names if "node_modules" in name.split("/")]
    assert not [name for name in names if name.endswith(".pyc")]


def test_installed_from_the_wheel_both_faces_are_enabled_and_ok(
    built: Path, tmp_path: Path
) -> None:
    (path,) = built.glob("*.whl")
    venv = tmp_path / "venv"
    _run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", path)
    # The packages it needs are borrowed from the environment of the tests; a path in a .pth file
    # brings in no editable install, so what is imported is the wheel's.
    borrowed = Path(sysconfig.get_path("purelib"))
    site = venv / "lib" / borrowed.parent.name / "site-packages"
    (site / "borrowed.pth").write_text(f"{borrowed}\n")

    assert str(venv) in _run(python, "-c", "import aimass_server; print(aimass_server.__file__)")
    version = json.loads((ROOT / "labextension" / "package.json").read_text())["version"]
    server = _run(python, "-m", "jupyter_server.extension.serverextension", "list")
    assert re.search(r"aimass_server.*enabled", server)
    assert re.search(rf"aimass_server {re.escape(version)}.*OK", server)
    lab = _run(python, "-m", "jupyterlab.labextensions", "list")
    assert re.search(rf"aimass-jupyter v{re.escape(version)}.*enabled.*OK", lab)
