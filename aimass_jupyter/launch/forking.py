"""Forking: a child that begins as a fresh process would, though its imports are done.

It keeps the modules and nothing else: no open file, no environment, no folder, no signal handler,
no random state of its parent. Only a process with one thread, no CUDA and no collective may fork
this way; :mod:`aimass_jupyter.launch.preload` sees to that.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import os
import random
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_STANDARD = frozenset({0, 1, 2})
_BUFFERED = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


@dataclass(frozen=True)
class Newborn:
    """What a forked process is to be.

    Attributes
    ----------
    name
        What ``ps`` and ``top`` show of it, 15 letters at most.
    environment
        All of its environment.
    keep
        Descriptors of its parent that stay open, beside stdin, stdout and stderr.
    bound
        Whether it is killed when whoever forked it ends, until it calls :func:`unbind`.
    """

    name: str
    environment: Mapping[str, str]
    cwd: Path
    keep: Collection[int] = ()
    bound: bool = False


def fork(newborn: Newborn, run: Callable[[], int | None]) -> int:
    """Fork a process that does ``run`` and ends with its exit code; returns its pid."""
    _flush_standard()
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        if newborn.bound:
            bind(parent)
        _live(newborn, run)
    return pid


def bind(parent: int) -> None:
    """Be killed when the parent ends (prctl(2), PR_SET_PDEATHSIG), also if it has already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def unbind(parent: int) -> None:
    """Outlive the parent from now on; one that has ended already ends this process, too."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _live(newborn: Newborn, run: Callable[[], int | None]) -> NoReturn:
    """Be the child. It never returns: the frames above are its parent's."""
    code = 1
    try:
        _be_born(newborn)
        code = run() or 0
    except SystemExit as leaving:
        code = _exit_code(leaving)
    except BaseException as error:  # noqa: BLE001 - nothing above may see it
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        _end(code)


def _be_born(newborn: Newborn) -> None:
    _reset_signals()
    close_descriptors(newborn.keep)
    os.environ.clear()
    os.environ.update(newborn.environment)
    os.chdir(newborn.cwd)
    name_process(newborn.name)
    _reseed()
    gc.enable()


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) or number == signal.SIGCHLD:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def close_descriptors(keep: Collection[int] = ()) -> None:
    """Close every descriptor but the standard ones and those to keep.

    A lock's above all: a forked process that kept it would hold the lock (fcntl(2), F_OFD_SETLK).
    """
    for entry in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(entry.name)
        if descriptor not in _STANDARD and descriptor not in keep:
            _close(descriptor)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:  # the one that listed them
        return


def name_process(name: str) -> None:
    """Set the name that ``ps`` and ``top`` show (prctl(2)); the kernel keeps 15 bytes."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _reseed() -> None:
    """Draw every random state anew, as a process that begins does."""
    random.seed()
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed()
    if "torch" in sys.modules:
        import torch

        torch.default_generator.seed()  # torch.seed asks for GPUs, too: that is 5 ms


def _exit_code(leaving: SystemExit) -> int:
    """What the interpreter makes of it: a number, nothing, or words to say."""
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)
    return 1


def _end(code: int) -> NoReturn:
    """End as the interpreter does: wait for threads, run what was to run at the exit, flush."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
        _leave_operators()
        atexit._run_exitfuncs()  # noqa: SLF001
        _flush_files()
    finally:
        os._exit(code & 0xFF)


def _leave_operators() -> None:
    """Let the operators that torch's libraries defined go with the process.

    To take them back one by one is for interpreters that go on; it is most of what an end takes.
    """
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]  # noqa: SLF001
        alive = finalizer.peek()
        if alive and getattr(alive[1], "__module__", "") == "torch.library":
            finalizer.atexit = False


def _flush_files() -> None:
    """Write out what files that were never closed still hold in memory."""
    for thing in [*gc.get_objects(), sys.stdout, sys.stderr]:
        if type(thing) in _BUFFERED and not thing.closed and thing.writable():
            thing.flush()


def _flush_standard() -> None:
    """What the parent has said but not written would else be written twice."""
    sys.stdout.flush()
    sys.stderr.flush()
