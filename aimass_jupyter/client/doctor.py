"""What is broken on this side: the part of doctor that a server cannot see."""

from __future__ import annotations

import importlib.util
import sys

from aimass_jupyter import __version__
from aimass_jupyter.contract.system import Check, Diagnosis, Status


def with_local(diagnosis: Diagnosis, status: Status) -> Diagnosis:
    """The server's diagnosis with what this kernel or shell sees put before it."""
    checks = [_python(), _versions(status), _torch(), *diagnosis.checks]
    return Diagnosis(ok=all(check.ok for check in checks), checks=checks)


def _python() -> Check:
    found = f"Python {sys.version.split()[0]} at {sys.prefix}"
    return Check(name="this process", ok=True, found=found)


def _versions(status: Status) -> Check:
    same = status.version == __version__
    found = f"here {__version__}, control plane {status.version}"
    cure = "install the same version in both environments"
    return Check(name="versions", ok=same, found=found, cure="" if same else cure)


def _torch() -> Check:
    there = importlib.util.find_spec("torch") is not None
    found = "torch is here" if there else "no torch here: magics work, training runs in jobs"
    return Check(name="torch", ok=True, found=found)
