"""Facts: what a node says of itself before a job is trusted to it."""

from __future__ import annotations

import os
import platform
import socket
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aimass_jupyter.host.usage import Gpus

#: Packages whose versions must be the same on all nodes of a job.
PACKAGES = ("aimass-jupyter", "torch", "horovod", "numpy", "pyarrow", "safetensors")


def facts(address: str, root: Path) -> dict[str, Any]:
    """What this node is; ``address`` is where the others are to reach it."""
    import psutil

    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "python": platform.python_version(),
        "packages": versions(),
        "time": time.time(),
        "interface": interface_of(address),
        "name": socket.gethostname(),
        "name_is_address": bool(addresses_of(socket.gethostname()) & addresses_of(address)),
        "listens": _why_not_listen(address),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": Gpus().count,
        "disk_free_bytes": psutil.disk_usage(str(root)).free,
    }


def versions() -> dict[str, str]:
    """The versions of the packages that matter; empty for one that is not there."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def interface_of(address: str) -> str:
    """The network interface that has an address; empty when none has."""
    import psutil

    wanted = addresses_of(address)
    for name, found in psutil.net_if_addrs().items():
        if any(known.address.partition("%")[0] in wanted for known in found):
            return str(name)
    return ""


def addresses_of(name: str) -> set[str]:
    """The addresses that a name stands for; none when it stands for none."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
    except OSError:
        return set()


def _why_not_listen(address: str) -> str:
    """Why ranks could not listen there; empty when they can."""
    try:
        socket.create_server((address, 0)).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
