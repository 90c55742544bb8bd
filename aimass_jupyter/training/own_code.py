"""Own code in a rank: a function is given ``run``, a script runs as it would under its launcher."""

from __future__ import annotations

import os
import random
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import beat, end_heartbeat, expect_no_steps
from aimass_jupyter.source.loading import load_function, open_unpacked, own_frames, place_of
from aimass_jupyter.source.manifest import CODE, Manifest
from aimass_jupyter.training.communicators import keep_communicators
from aimass_jupyter.training.event_links import EventLinks
from aimass_jupyter.training.failure import Disconnected, record_failure
from aimass_jupyter.training.place import Place

if TYPE_CHECKING:
    from aimass_jupyter.training.run import Run

SOURCE, WORK = "source", "work"

#: A script's variables, and the frames that hold them, live as long as the process, as they do when
#: Python runs it: torch's communicators wait for ever when they are taken apart before.
_kept: list[object] = []


class StepDone(BaseException):
    """A dry run has done its step: nothing of own code shall catch this."""


class CodeFailed(Exception):
    """Own code failed, at a place that its author knows."""

    def __init__(self, message: str, cause: str | None) -> None:
        super().__init__(message)
        self.cause = cause


def run_code(spec: JobSpec, folder: Path, place: Place) -> None:
    """Run the own code of a job to its end."""
    source = folder / SOURCE
    manifest = open_unpacked(source)
    work = folder / WORK
    work.mkdir(exist_ok=True, mode=0o700)
    os.chdir(work)
    os.environ["AIMASS_TENSORBOARD"] = str(folder / "tb")
    _count_steps(folder, place, dry_run=spec.options.dry_run)
    try:
        if manifest.kind == "script":
            _run_script(spec, folder, source, manifest, place)
        else:
            _run_function(spec, folder, source, manifest, place)
    except Disconnected:
        raise
    except Exception as error:  # noqa: BLE001 - own code may fail with anything
        _fail(folder, place, source, manifest, error)


def _run_function(
    spec: JobSpec, folder: Path, source: Path, manifest: Manifest, place: Place
) -> None:
    from aimass_jupyter.training.engine import connect
    from aimass_jupyter.training.run import Run

    _seed(spec.seed)
    function = load_function(source, manifest)  # first: a rank that cannot load meets nobody
    run = Run(spec, folder, connect(spec.engine, place))
    expect_no_steps()
    try:
        _call(function, run, manifest)
    except BaseException:
        run.break_off()
        raise
    end_heartbeat(folder, place.rank)  # first: the others miss it once it has left them
    run.finish()


def _call(function: Callable[[Run], object], run: Run, manifest: Manifest) -> None:
    try:
        function(run)
    except StepDone:
        print("dry run: one step was done")
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise CodeFailed(f"{manifest.function}(run) ended with {ended.code!r}", None) from None


def _seed(seed: int) -> None:
    """What is random begins with the job's seed; so a job can be run again."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _run_script(
    spec: JobSpec, folder: Path, source: Path, manifest: Manifest, place: Place
) -> None:
    """Run a script as ``python script.py …`` would, in the job's work folder."""
    code = source / CODE
    sys.dont_write_bytecode = True  # the folder is the one whose files can be downloaded
    sys.path.insert(0, str(code))
    script = code / manifest.entry
    arguments = spec.source.arguments if spec.source else []
    sys.argv = [str(script), *arguments]
    if spec.engine == "torchrun":
        keep_communicators()
    expect_no_steps()
    with EventLinks(folder / WORK, folder / "tb", active=place.rank == 0):
        try:
            _kept.append(runpy.run_path(str(script), run_name="__main__"))
        except StepDone as done:
            _kept.append(done)
            print("dry run: one step was done")
        except SystemExit as ended:
            _kept.append(ended)
            if ended.code not in (None, 0):
                raise CodeFailed(f"{manifest.label} ended with {ended.code!r}", None) from None


def _count_steps(folder: Path, place: Place, *, dry_run: bool) -> None:
    """Say how many steps any optimizer has done; a dry run ends after the first."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    done = 0

    def after_step(*_: object) -> None:
        nonlocal done
        done += 1
        beat(done)
        if dry_run:
            raise StepDone

    register_optimizer_step_post_hook(after_step)


def _fail(
    folder: Path, place: Place, source: Path, manifest: Manifest, error: Exception
) -> NoReturn:
    """Say where in own code it failed, leave out the frames that are ours, and end this rank."""
    where = place_of(error, source, manifest)
    if isinstance(error, CodeFailed):
        said = str(error)
    elif isinstance(error, AimassError):
        said = f"{where}: {error}" if where else str(error)
        print(said, file=sys.stderr)
    else:
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        said = f"{where}: {said}" if where else said
        traceback.print_exception(type(error), error, own_frames(error, source))
    record_failure(folder, place.rank, CodeFailed(said, getattr(error, "cause", None)))
    sys.stdout.flush()
    sys.stderr.flush()
    # without teardown: an engine's waits for the other ranks, and they wait for this one
    os._exit(1)
