"""Stacks: where in its code another process is, as it says itself when a signal asks it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

from aimass_jupyter.host import STACK_SIGNAL, identify, send_signal

_WAIT_SECONDS = 1.0
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_WAITING = re.compile(r"/(torch/distributed|horovod)/")  # what these are in, they wait in
_ENGINES = re.compile(r"/(torch/distributed|torch/autograd|torch/nn/parallel|horovod)/")
_STARTING = re.compile(r"/aimass_jupyter/launch/|^<frozen runpy>")  # how every rank begins
_LIBRARIES = re.compile(r"/(site|dist)-packages/|/lib/python3|^<frozen|/contextlib\.py$")


def take_stack(pid: int, path: Path) -> str:
    """Ask a process for the stacks of its threads; empty when it does not answer.

    Only one that has said that it will answer is asked: others would be ended by the signal.
    """
    identity = identify(pid)
    if identity is None or not _answers(pid):
        return ""
    with contextlib.suppress(OSError):
        os.truncate(path, 0)
        send_signal(identity, STACK_SIGNAL)
        return _read_whole(path)
    return ""


def place_in(stack: str) -> str:
    """The innermost place of the main thread that is no library's: ``file:line in function``."""
    frames = _FRAME.findall(_main_thread(stack))
    own = [frame for frame in frames if not _LIBRARIES.search(frame[0])]
    for file, line, function in [*own, *frames][:1]:
        return f"{Path(file).name}:{line} in {function}"
    return ""


def frames_of(stack: str) -> list[str]:
    """The lines of the main thread, innermost last, without those by which every rank begins."""
    return [
        f'  File "{file}", line {line} in {function}'
        for file, line, function in reversed(_FRAME.findall(_main_thread(stack)))
        if not _STARTING.search(file)
    ]


def collective_in(stack: str) -> str:
    """The function of an engine that the main thread waits in; empty when it is in none."""
    for file, _, function in _FRAME.findall(_main_thread(stack)):
        if _ENGINES.search(file):
            return str(function)
        if not _LIBRARIES.search(file):
            break
    return ""


def waits_in_engine(stack: str) -> bool:
    """Whether the innermost frame of the main thread is an engine's."""
    frames = _FRAME.findall(_main_thread(stack))
    return bool(frames and _WAITING.search(frames[0][0]))


def _main_thread(stack: str) -> str:
    return re.split(r"^(?:Current thread|Thread) ", stack, flags=re.MULTILINE)[-1]


def _answers(pid: int) -> bool:
    """Whether it catches the signal (proc(5), SigCgt)."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (STACK_SIGNAL - 1) & 1)


def _read_whole(path: Path) -> str:
    """Wait for the text, until no more comes."""
    deadline, text = time.monotonic() + _WAIT_SECONDS, ""
    while time.monotonic() < deadline:
        before, text = text, path.read_text(errors="replace")
        if text and text == before:
            break
        time.sleep(0.05)
    return text.strip()
