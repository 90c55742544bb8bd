"""What a job finds in its folder before it begins: its own code, its files, a checkpoint.

Laying out twice is harmless: a start that was cut off is begun anew.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aimass_jupyter.source.archive import unpack
from aimass_jupyter.source.manifest import CODE, FILES
from aimass_server.jobs.artifacts import WORK
from aimass_server.jobs.rerun import CHECKPOINTS

SOURCE = "source"


def lay_out_code(folder: Path, archive: Path) -> None:
    """Unpack own code into the folder that it will run in, among the files that came with it.

    There it finds them, and leaves what it makes, also by ``Path(__file__).parent``, as in the
    folder that it came from.
    """
    for name in (SOURCE, WORK):
        shutil.rmtree(folder / name, ignore_errors=True)
    unpack(archive, folder / SOURCE)
    (folder / WORK).mkdir(mode=0o700)
    for name in (FILES, CODE):
        _move(folder / SOURCE / name, folder / WORK)
    (folder / SOURCE / CODE).symlink_to(Path("..", WORK))


def _move(source: Path, target: Path) -> None:
    """Move all that is below a folder into one that may have some of it."""
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.replace(place)
    shutil.rmtree(source, ignore_errors=True)


def lay_out_checkpoints(folder: Path, before: Path) -> None:
    """Give a job the checkpoints of the one that it goes on from: links suffice."""
    target = folder / CHECKPOINTS
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, parents=True)
    for path in (before / CHECKPOINTS).glob("*.safetensors"):
        os.link(path, target / path.name)
