"""Hardware: the GPUs that this machine has, and what torch and Horovod were built for.

All of it is read from files: nothing is imported, and no GPU is woken.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_DRIVER = Path("/proc/driver/nvidia/gpus")
_NCCL = b"ncclAllReduce"  # what the library calls where it was built with NCCL


@dataclass(frozen=True)
class Hardware:
    """What jobs can compute on.

    Attributes
    ----------
    gpus
        The model of each GPU that the driver knows.
    torch
        ``cpu``, or the version of CUDA that torch was built for; empty without torch.
    horovod
        What moves Horovod's tensors, ``gloo`` or ``nccl``; empty without Horovod.
    """

    gpus: tuple[str, ...]
    torch: str
    horovod: str

    def as_record(self) -> dict[str, Any]:
        """For the program's answer."""
        return asdict(self)


def find_hardware() -> Hardware:
    """Look at this machine and this environment."""
    return Hardware(gpus_of(_DRIVER), _torch(), _horovod())


def gpus_of(driver: Path) -> tuple[str, ...]:
    """Read the models from a folder of NVIDIA's driver."""
    told = [path.read_text(errors="replace") for path in sorted(driver.glob("*/information"))]
    models = [re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE) for text in told]
    return tuple(model[1] if model else "GPU" for model in models)


def _torch() -> str:
    version = next((folder / "version.py" for folder in _folders("torch")), None)
    if version is None:
        return ""
    cuda = re.search(r"^cuda\b.*=\s*['\"](\d[^'\"]*)", version.read_text(), re.MULTILINE)
    return cuda[1] if cuda else "cpu"


def _horovod() -> str:
    libraries = [
        path for folder in _folders("horovod") for path in folder.glob("torch/mpi_lib*.so")
    ]
    if not libraries:
        return ""
    return "nccl" if any(_NCCL in library.read_bytes() for library in libraries) else "gloo"


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or []]
