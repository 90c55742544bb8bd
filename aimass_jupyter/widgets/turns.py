"""Where traits change: on the kernel's loop, or in a cell that waits, never on another thread.

A kernel routes a message by the cell on whose behalf it is sent. That is known to the loop and to
the thread of the cell; a thread of ours would send traits with the wrong address, or two at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

Change = Callable[[], None]


class Turns:
    """Changes that were handed in by any thread, run one after another where they may run.

    With a kernel that is its loop; while :meth:`waiting`, it is whoever runs :meth:`wait`
    (the loop is busy with that very cell); without a kernel, the thread that hands them in.
    """

    def __init__(self) -> None:
        self._changes: SimpleQueue[Change] = SimpleQueue()
        self._running = threading.RLock()
        self._awaited = False
        self._loop = _kernel_loop()
        self._context = copy_context()

    def take(self, change: Change) -> None:
        """Run a change when its turn comes. May be called on any thread."""
        self._changes.put(change)
        if self._loop is None:
            if not self._awaited:
                self.run()
        elif not self._loop.is_closed():  # a kernel that ends needs no views
            self._loop.call_soon_threadsafe(self.run, context=self._context.copy())

    def run(self) -> None:
        """Run the changes whose turn it is."""
        with self._running:
            while not self._changes.empty():
                self._changes.get()()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that the calling thread will run the changes, with :meth:`wait`."""
        self._awaited = True
        try:
            yield
        finally:
            self._awaited = False
            self.run()

    def wait(self, seconds: float) -> None:
        """Wait for a change, run it and those behind it."""
        try:
            change = self._changes.get(timeout=seconds)
        except Empty:
            return
        with self._running:
            change()
        self.run()


def _kernel_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of the kernel this runs in; None in a terminal or a script."""
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    io_loop = getattr(kernel, "io_loop", None)
    return getattr(io_loop, "asyncio_loop", None)


def hear_while_busy(comm: Any) -> None:
    """Let a page reach its widget while a cell of the kernel waits.

    A page addresses its messages to a subshell, a thread of its own, where the kernel has them
    (ipykernel 7, JupyterLab 4.4). ipykernel from 7.4 on takes them to the shell that the widget
    spoke from last instead, which is the very cell that waits: a button would do nothing until
    its end. Our widgets take messages on any thread, so they can stay where they were sent.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, addressed: addressed  # noqa: SLF001
