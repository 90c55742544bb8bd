"""Links: the leader's side of its agents. Nothing here waits for a node that does not answer."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass_jupyter.launch.nodes.frames import FrameWriter, Message, read_frame

_OURS = "AIMASS_JOB_ID"  # what carries it is ended with the job; a link says goodbye before
_QUEUED_FRAMES = 64
_TAKEN_SECONDS = 60.0
_URGENT = frozenset({"beat", "stop"})


@dataclass(frozen=True)
class Heard:
    """A frame of a node; no message is the end of its link."""

    link: Link
    message: Message | None
    content: bytes = b""


class Link:
    """A connection with the agent of one node.

    Parameters
    ----------
    place
        ``node``, ``ranks``, ``address``, ``argv``, ``folder``: the contract's ``NodePlace``.
    inbox
        Takes what is heard.
    """

    def __init__(self, place: Mapping[str, Any], inbox: queue.Queue[Heard]) -> None:
        self.place = dict(place)
        self.node = str(place["node"])
        self.address = str(place["address"])
        self.heard_at = time.monotonic()
        self.ended = False
        self._inbox = inbox
        self._outbox: queue.Queue[tuple[Message, bytes] | None] = queue.Queue(_QUEUED_FRAMES)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the link
        environment = {name: value for name, value in os.environ.items() if name != _OURS}
        self._process = subprocess.Popen(
            list(place["argv"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            env=environment, start_new_session=True,
        )  # fmt: skip
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"link-{self.node}", daemon=True).start()

    def say(self, message: Message, content: bytes = b"") -> None:
        """Send a frame, when those before it have been taken.

        Nobody waits for that with a sign of life or an order to stop: a node that takes nothing
        any more is silent, too, and will be counted as lost.
        """
        seconds = 0.0 if message["do"] in _URGENT else _TAKEN_SECONDS
        with contextlib.suppress(queue.Full):
            self._outbox.put((message, content), timeout=seconds)

    def _write(self) -> None:
        assert self._process.stdin is not None  # it is a pipe
        writer = FrameWriter(self._process.stdin)
        with contextlib.suppress(OSError, ValueError):
            while frame := self._outbox.get():
                writer.write(*frame)
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None  # it is a pipe
        with contextlib.suppress(OSError, ValueError):
            while frame := read_frame(self._process.stdout):
                self.heard_at = time.monotonic()
                self._inbox.put(Heard(self, *frame))
        self._inbox.put(Heard(self, None))

    @property
    def last_words(self) -> str:
        """The last that the command or the agent said on its stderr."""
        size = os.fstat(self._said.fileno()).st_size
        text = os.pread(self._said.fileno(), 4096, max(0, size - 4096)).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "the connection ended"

    def close(self, seconds: float = 0.0) -> None:
        """Let the agent end what it has, for so long; then cut the connection."""
        with contextlib.suppress(queue.Full):
            self._outbox.put(None, timeout=0.1)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()


class Links:
    """The agents of all nodes of an attempt."""

    def __init__(self, places: Sequence[Mapping[str, Any]]) -> None:
        self.inbox: queue.Queue[Heard] = queue.Queue()
        self.all = [Link(place, self.inbox) for place in places]

    def ask(
        self, questions: Mapping[Link, Message], answer: str, seconds: float
    ) -> tuple[dict[Link, Message], dict[Link, str]]:
        """Ask some nodes and wait for their answers: what they said, and why others did not.

        Both are in the order of the questions, whoever answered first.
        """
        for link, message in questions.items():
            link.say(message)
        answers: dict[Link, Message] = {}
        silent: dict[Link, str] = {}
        deadline = time.monotonic() + seconds
        while len(answers) + len(silent) < len(questions):
            heard = self.hear(deadline - time.monotonic())
            if heard is not None and heard.link not in questions:
                continue
            if heard is None:
                late = questions.keys() - answers.keys() - silent.keys()
                silent |= dict.fromkeys(late, f"no answer in {seconds:.0f} s")
            elif heard.message is None:
                silent[heard.link] = heard.link.last_words
            elif heard.message["is"] == answer:
                answers[heard.link] = heard.message
            elif heard.message["is"] == "failed":
                silent[heard.link] = str(heard.message["why"])
        return (
            {link: answers[link] for link in questions if link in answers},
            {link: silent[link] for link in questions if link in silent},
        )

    def hear(self, seconds: float) -> Heard | None:
        """What was heard next; None when nothing was for so long."""
        try:
            return self.inbox.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def close(self, seconds: float = 0.0) -> None:
        """Close all, each at the same time."""
        closing = [
            threading.Thread(target=link.close, args=(seconds,), name="close") for link in self.all
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


def say_all(links: Iterable[Link], message: Message) -> None:
    """Send a frame to some."""
    for link in links:
        link.say(message)
