"""The program of one rank: ``python -m aimass_jupyter.training.rank FOLDER``.

It opens its log before anything heavy is imported, so that whatever goes wrong is read there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.host import begin_heartbeat, installed_packages, write_record
from aimass_jupyter.training.failure import Disconnected, NotANumber, fail
from aimass_jupyter.training.place import Place, find_place

if TYPE_CHECKING:
    from aimass_jupyter.contract.hyperparameters import Hyperparameters
    from aimass_jupyter.contract.jobs import JobSpec
    from aimass_jupyter.training.live import Live
    from aimass_jupyter.training.rows import Rows


ENVIRONMENT = "environment.json"


def main(folder: Path, *, told: bool = False) -> None:
    """Train what the folder's spec says; a failure is recorded and ends the process with 1.

    ``told`` says that somebody else records what is installed.
    """
    place = find_place(os.environ)
    open_log(folder, place.rank)
    sys.excepthook = partial(fail, folder, place.rank)
    begin_heartbeat(folder, place.rank)
    if place.rank == 0 and not told:
        write_record(folder / ENVIRONMENT, installed_packages())
    train_job(folder, place)


def open_log(folder: Path, rank: int) -> None:
    """Point stdout and stderr at the rank's log: the supervisor's pipe, or the file without one."""
    logs = folder / "log"
    logs.mkdir(exist_ok=True)
    try:
        log = os.open(logs / f"rank-{rank}.pipe", os.O_WRONLY | os.O_NONBLOCK)
        os.set_blocking(log, True)
    except OSError:  # no pipe, or nobody reads it
        log = os.open(logs / f"rank-{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def train_job(folder: Path, place: Place) -> None:
    """Read the data, meet the other ranks, train."""
    from aimass_jupyter.contract.jobs import JobSpec

    spec = JobSpec.model_validate_json((folder / "spec.json").read_bytes())
    if spec.source is not None:
        from aimass_jupyter.training.own_code import run_code

        run_code(spec, folder, place)
    else:
        _train_job(spec, folder, place)


def _train_job(spec: JobSpec, folder: Path, place: Place) -> None:
    from aimass_jupyter.algorithms import hyperparameters_of
    from aimass_jupyter.training.elastic import is_elastic, train_elastically
    from aimass_jupyter.training.sending import horovod_settings

    params = hyperparameters_of(spec.algorithm, spec.params)
    os.environ.update(horovod_settings(params))
    with _naming_bad_rows(spec):
        if is_elastic():
            train_elastically(folder, partial(_train_live, spec, params, folder), open_log)
        else:
            _train(spec, params, folder, place)


def _train(spec: JobSpec, params: Hyperparameters, folder: Path, place: Place) -> None:
    """Train as a rank that is there from the beginning to the end."""
    from aimass_jupyter.training.engine import connect
    from aimass_jupyter.training.loop import train

    params, rows = _read(spec, params, folder, place)
    train(spec, params, folder, rows, connect(spec.engine, place))


def _train_live(
    spec: JobSpec, params: Hyperparameters, folder: Path, place: Place, live: Live
) -> None:
    """Train as one of the ranks that are there just now."""
    from aimass_jupyter.training.engine import connect
    from aimass_jupyter.training.loop import train

    params, rows = _read(spec, params, folder, place)
    train(spec, params, folder, rows, connect(spec.engine, place, share=False), live)


def _read(
    spec: JobSpec, params: Hyperparameters, folder: Path, place: Place
) -> tuple[Hyperparameters, Rows]:
    """Open the rows before any other rank is met: one that cannot read them meets nobody."""
    from aimass_jupyter.training.dry_run import one_step
    from aimass_jupyter.training.rows import open_rows

    rows = open_rows(spec, params, place, folder)
    return one_step(params, rows) if spec.options.dry_run else (params, rows)


@contextmanager
def _naming_bad_rows(spec: JobSpec) -> Iterator[None]:
    """Where reading or training fails because of a row, name that one."""
    from aimass_jupyter.contract.algorithms import ALGORITHMS
    from aimass_jupyter.data import find_bad_row, open_dataset

    try:
        yield
    except (InvalidRequest, NotANumber) as error:
        if isinstance(error, Disconnected):  # the rank whose rows they are says it
            raise
        table, task = open_dataset(spec.dataset_path), ALGORITHMS[spec.algorithm].task
        raise find_bad_row(table, spec.label, task) or error from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
