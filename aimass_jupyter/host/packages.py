"""The packages of this environment, by the names of their metadata folders: no file is read."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from typing import Any

_METADATA = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+?)(-py[\d.]+)?\.(dist-info|egg-info)")


def installed_packages() -> dict[str, Any]:
    """Every package with its version, the version of Python, and a digest of all of it.

    It takes a few milliseconds: a job's first rank does it before it begins.
    """
    packages: dict[str, str] = {}
    for folder in reversed(sys.path):  # the first place on the path is the one that counts
        packages |= _in(folder)
    python = platform.python_version()
    lines = [python, *(f"{name}=={packages[name]}" for name in sorted(packages))]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"digest": digest, "python": python, "packages": dict(sorted(packages.items()))}


def _in(folder: str) -> dict[str, str]:
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:  # a zip file, or a folder that is not there
        return {}
    found = filter(None, map(_METADATA.fullmatch, names))
    return {_plain(match["name"]): match["version"] for match in found}


def _plain(name: str) -> str:
    """A project's name as the packaging standard compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
