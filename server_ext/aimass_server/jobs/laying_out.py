"""What a job finds in its folder before it begins: its own code, its files, a checkpoint.

Laying out twice is harmless: a start that was cut off is begun anew.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aimass_jupyter.source.archive import unpack
from aimass_jupyter.source.manifest import FILES
from aimass_server.jobs.artifacts import WORK
from aimass_server.jobs.rerun import CHECKPOINTS

SOURCE = "source"


def lay_out_code(folder: Path, archive: Path) -> None:
    """Unpack own code; the files that came with it go where it will run."""
    for name in (SOURCE, WORK):
        shutil.rmtree(folder / name, ignore_errors=True)
    unpack(archive, folder / SOURCE)
    files = folder / SOURCE / FILES
    if files.is_dir():
        files.rename(folder / WORK)
    else:
        (folder / WORK).mkdir(mode=0o700)


def lay_out_checkpoints(folder: Path, before: Path) -> None:
    """Give a job the checkpoints of the one that it goes on from: links suffice."""
    target = folder / CHECKPOINTS
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, parents=True)
    for path in (before / CHECKPOINTS).glob("*.safetensors"):
        os.link(path, target / path.name)
