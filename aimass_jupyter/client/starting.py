"""Starting and stopping a control plane of one's own: ``aimass up``, ``aimass down``."""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass_jupyter.client.discovery import Owner, owner
from aimass_jupyter.contract.errors import Conflict, Unavailable
from aimass_jupyter.host import (
    ProcessIdentity,
    files_below,
    is_alive,
    is_locked,
    read_record,
    send_signal,
    stop_marked,
    write_first,
    write_record,
)

START_SECONDS = 60.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})


def up(folder: Path) -> Owner:
    """Make sure that a control plane owns the folder; start one in the background when none does.

    Raises
    ------
    Unavailable
        When the folder cannot be used, or it does not come up; says where its log is.
    """
    with usable(folder):
        return _up(folder)


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Say it in a line when a data folder cannot be made, read or written, or nothing be started.

    Raises
    ------
    Unavailable
        Instead of what the file system says.
    """
    try:
        yield
    except OSError as error:
        if not _is_of(folder, error):
            of = f" ({error.filename})" if error.filename else ""
            raise Unavailable(
                f"no control plane can be started: {error.strerror or error}{of}",
                "`ulimit -a` and `free` tell what this user and machine may still have",
            ) from None
        raise Unavailable(
            f"the data folder {folder} cannot be used: {error.strerror or error}",
            "name another one in AIMASS_DATA",
        ) from None


def _is_of(folder: Path, error: OSError) -> bool:
    """Whether it is the data folder that cannot be used, and not what this process may have."""
    if error.errno in _SCARCE or error.filename is None:
        return error.errno == errno.ENOSPC
    path = Path(os.fsdecode(error.filename))
    return path == folder or path in folder.parents or folder in path.parents


def _up(folder: Path) -> Owner:
    found = owner(folder)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "control-plane.log"
    process = None if is_locked(folder / "control-plane.lock") else _spawn(folder, log)
    deadline = time.monotonic() + START_SECONDS
    while (found := owner(folder)) is None:
        if (
            process is not None
            and process.poll() is not None
            and not is_locked(folder / "control-plane.lock")
        ):
            raise Unavailable(f"the control plane ended at once: {_last_line(log)}", f"see {log}")
        if time.monotonic() > deadline:
            raise Unavailable(
                f"no control plane came up within {START_SECONDS:.0f} s", f"see {log}"
            )
        time.sleep(_POLL_SECONDS)
    return found


def down(folder: Path) -> bool:
    """Stop the control plane of a folder; jobs go on. Returns whether there was one.

    Raises
    ------
    Conflict
        When it belongs to a Jupyter server.
    """
    found = owner(folder)
    if found is None:
        return False
    if not found.standalone:
        raise Conflict(
            f"the control plane at {found.url} is part of a Jupyter server "
            f"(process {found.identity.pid})",
            "stop that server",
        )
    send_signal(found.identity, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(found.identity):
        if time.monotonic() > deadline:  # what it has committed is safe, and its lock goes with it
            send_signal(found.identity, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    return True


def stop_programs(folder: Path) -> int:
    """Stop every detached program of a data folder: jobs, endpoints, services, TensorBoard.

    Call it when no control plane owns the folder; one that comes later starts endpoints and
    services again. Returns how many supervisors were asked to stop.
    """
    by = {"by": getpass.getuser()}
    for order in files_below(folder, "launch.json"):  # jobs write and delete in it
        if _is_on_its_way(order.parent):
            with contextlib.suppress(OSError):  # a full disk: it cannot begin there either
                write_first(order.parent / "stop.json", by)
    running = [path.parent for path in files_below(folder, "lock") if is_locked(path)]
    records = [record for path in running if (record := _ask_to_stop(path))]
    supervisors = [ProcessIdentity.from_record(record["identity"]) for record in records]
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and (
        any(is_locked(path / "lock") for path in running)
        or any(is_alive(supervisor) for supervisor in supervisors)  # it unlocks before it is gone
    ):
        time.sleep(_POLL_SECONDS)
    for record in records:
        name, _, value = str(record["marker"]).partition("=")
        stop_marked(name, value, grace_seconds=0)
    return len(records)


def _is_on_its_way(folder: Path) -> bool:
    """Whether a supervisor may come to this folder still; it finds there what it is asked."""
    return not any((folder / name).exists() for name in ("started.json", "exit.json"))


def _ask_to_stop(folder: Path) -> dict[str, Any] | None:
    record = read_record(folder / "started.json")
    if record is not None:
        with contextlib.suppress(OSError):  # a full disk: the signal says enough
            write_record(folder / "stop.json", {"by": getpass.getuser()})
        send_signal(ProcessIdentity.from_record(record["identity"]), signal.SIGTERM)
    return record


def _spawn(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start it in a session of its own. Its token is drawn by itself and never in argv."""
    surroundings = (
        "JUPYTER_TOKEN",
        "JPY_PARENT_PID",
        "JPY_API_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "AIMASS_TOKEN",
    )
    environment = {n: v for n, v in os.environ.items() if n not in surroundings}
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "aimass_server"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment | {"AIMASS_DATA": str(folder)},
            start_new_session=True,
        )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
