"""The agent: the program of a node, spoken to through its stdin and stdout.

``python -m aimass_jupyter.launch.nodes.agent`` answers frames until its stdin ends, then ends
what it started. It says ``{"is": "beat"}`` every two seconds while a job runs, and expects as much.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from aimass_jupyter.launch.nodes.blobs import Blobs
from aimass_jupyter.launch.nodes.facts import facts
from aimass_jupyter.launch.nodes.frames import FrameWriter, Message, read_frame
from aimass_jupyter.launch.nodes.mirror import Arriving
from aimass_jupyter.launch.nodes.node_job import NodeJob
from aimass_jupyter.launch.nodes.peers import Peers

BEAT_SECONDS = 2.0
LOST_SECONDS = 10.0


def default_root() -> Path:
    """Where jobs work on a node when nobody says."""
    return Path.home() / ".local" / "share" / "aimass-node"


class Agent:
    """Answers what is asked, one frame after the other."""

    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer
        self._root = default_root()
        self._heard = time.monotonic()
        self._job: NodeJob | None = None
        self._arriving: Arriving | None = None
        self._peers: Peers | None = None
        self._does: dict[str, Callable[[Message, bytes], None]] = {
            "facts": self._tell_facts,
            "watch": self._watch,
            "listen": self._listen,
            "connect": self._connect,
            "guard": self._guard,
            "have": self._tell_missing,
            "blob": self._take_blob,
            "begin": self._begin,
            "file": self._take_file,
            "start": self._start,
            "meeting": self._meet,
            "keep": self._keep,
            "stop": self._stop,
            "end": self._end,
            "beat": lambda message, content: None,
        }

    def answer(self, message: Message, content: bytes) -> None:
        """Do what a frame says; what goes wrong is told, and ends nothing else."""
        self._heard = time.monotonic()
        try:
            self._does[str(message["do"])](message, content)
        except Exception as error:  # noqa: BLE001 - a frame that cannot be answered ends no job
            why = str(error) or type(error).__name__
            self.say({"is": "failed", "of": message.get("do"), "why": why})

    def say(self, message: Message, content: bytes = b"") -> None:
        """Tell the leader; one that is gone will be noticed by its silence."""
        with contextlib.suppress(OSError, ValueError):
            self._writer.write(message, content)

    def leave(self) -> None:
        """End what was started: nobody is left to ask for it."""
        if self._peers:
            self._peers.close()
        if self._job:
            self._job.stop("the control plane, which is gone")
            self._job.wait()
            self._job.clear()

    def _tell_facts(self, message: Message, content: bytes) -> None:
        self._root = Path(message.get("folder") or default_root())
        found = facts(str(message["address"]), self._root)
        Blobs(self._root).forget_unused()
        self.say({"is": "facts"} | found)

    def _watch(self, message: Message, content: bytes) -> None:
        """Tell what is used, again and again, until the end."""
        from aimass_jupyter.host.usage import UseSampler

        sampler = UseSampler(self._root)
        seconds = float(message["seconds"])

        def run() -> None:
            while True:
                time.sleep(seconds)
                self.say({"is": "use"} | sampler.sample())

        threading.Thread(target=run, name="use", daemon=True).start()

    def _listen(self, message: Message, content: bytes) -> None:
        self._peers = Peers(str(message["address"]))
        self.say({"is": "listening", "port": self._peers.port})

    def _connect(self, message: Message, content: bytes) -> None:
        """Say which peers cannot be reached, each with why."""
        assert self._peers is not None  # it was told to listen before
        self.say({"is": "connected", "faults": self._peers.try_all(message["peers"])})

    def _guard(self, message: Message, content: bytes) -> None:
        """From now on say when a peer cannot be reached for a while."""
        assert self._peers is not None  # it was told to listen before
        self._peers.guard(message["peers"], self.say)

    def _tell_missing(self, message: Message, content: bytes) -> None:
        missing = Blobs(self._root).missing(message["digests"])
        self.say({"is": "missing", "digests": missing})

    def _take_blob(self, message: Message, content: bytes) -> None:
        done = bool(message.get("last"))
        Blobs(self._root).take(str(message["digest"]), content, done=done)

    def _begin(self, message: Message, content: bytes) -> None:
        """Make the folder of a part."""
        if self._job:
            self._job.clear()
        self._job = NodeJob(self._root, message, self.say)
        self._arriving = Arriving(self._job.folder)

    def _take_file(self, message: Message, content: bytes) -> None:
        assert self._arriving is not None  # a part was begun before
        self._arriving.take(message, content)

    def _start(self, message: Message, content: bytes) -> None:
        assert self._job is not None  # it was begun before
        self._job.start(message["spec"], Blobs(self._root))
        threading.Thread(target=self._beat, args=(self._job,), name="beat", daemon=True).start()

    def _beat(self, job: NodeJob) -> None:
        """Be heard while a job runs; end it when nothing is heard."""
        while job.running:
            self.say({"is": "beat"})
            time.sleep(BEAT_SECONDS)
            if time.monotonic() - self._heard > LOST_SECONDS:
                job.stop("its node, which heard nothing of the control plane")

    def _meet(self, message: Message, content: bytes) -> None:
        if self._job:
            self._job.meet(message)

    def _keep(self, message: Message, content: bytes) -> None:
        if self._job:
            self._job.ask_to_leave(str(message["by"]))

    def _stop(self, message: Message, content: bytes) -> None:
        if self._job:
            self._job.stop(str(message["by"]))

    def _end(self, message: Message, content: bytes) -> None:
        """Forget the part: all of it has arrived."""
        if self._job:
            self._job.clear()
            self._job = None


def main() -> int:
    """Answer until stdin ends. Whatever else is printed here goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    agent = Agent(FrameWriter(answers))
    try:
        while frame := read_frame(sys.stdin.buffer):
            agent.answer(*frame)
    finally:
        agent.leave()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads that sleep or write to nobody are no reason to stay
