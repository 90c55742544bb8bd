"""A part of a job on its node: its folder, its supervisor, what it sends back."""

from __future__ import annotations

import contextlib
import ctypes
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_record, write_record
from aimass_jupyter.launch.nodes.blobs import Blobs
from aimass_jupyter.launch.nodes.frames import Message
from aimass_jupyter.launch.nodes.mirror import Mirror
from aimass_jupyter.launch.nodes.part import MEETING_RECORD

LOOK_SECONDS = 0.25
GRACE_SECONDS = 5.0
_END_SECONDS = 12.0
_PR_SET_PDEATHSIG = 1

Say = Callable[[Message, bytes], None]


class NodeJob:
    """One attempt at one part.

    Parameters
    ----------
    order
        ``job``, ``index`` and ``attempt``: which part this is.
    say
        Takes what it writes, and at last how it ended.
    """

    def __init__(self, root: Path, order: Message, say: Say) -> None:
        name = f"{order['job']}-{int(order['index'])}-{int(order['attempt'])}"
        if "/" in name:
            raise ValueError(f"'{name}' is no name for a folder")
        self.folder = root / "jobs" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        self._marker = f"AIMASS_JOB_ID={order['job']}.{order['index']}"
        self._first = int(order["index"]) == 0
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._follower: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether its end has not been told yet."""
        return bool(self._follower and self._follower.is_alive())

    def start(self, spec: dict[str, Any], blobs: Blobs) -> None:
        """Lay the rest out and start the supervisor."""
        if code := spec.pop("code", ""):
            with tarfile.open(blobs.path_of(code)) as archive:
                archive.extractall(self.folder, filter="data")
        (self.folder / "log").mkdir(exist_ok=True, mode=0o700)
        dataset = spec.get("dataset_digest")
        spec["dataset_path"] = str(blobs.path_of(dataset)) if dataset else ""
        spec["python"] = sys.executable
        write_record(self.folder / "spec.json", spec)
        launch = {"kind": "job", "marker": self._marker, "grace_seconds": GRACE_SECONDS}
        write_record(self.folder / "launch.json", launch)
        mirror = Mirror(self.folder, self._say)
        mirror.skip_what_is_there()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aimass_jupyter.launch.nodes.node_job", str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=2, cwd=self.folder,
        )  # fmt: skip
        self._follower = threading.Thread(target=self._follow, args=(mirror,), name="follow")
        self._follower.start()

    def _follow(self, mirror: Mirror) -> None:
        """Send what it writes until it has ended, then how."""
        assert self._process is not None  # it was started before this thread
        told = not self._first
        while self._process.poll() is None:
            time.sleep(LOOK_SECONDS)
            mirror.look()
            if not told and (met := read_record(self.folder / MEETING_RECORD)):
                told = True
                self._say({"is": "meeting"} | met, b"")
        mirror.look()
        ended = {
            "exit": read_record(self.folder / "exit.json"),
            "ranks": read_record(self.folder / "ranks.json"),
            "code": self._process.returncode,
        }
        self._say({"is": "ended"} | ended, b"")

    def meet(self, message: Message) -> None:
        """Say to the ranks where the meeting is."""
        where = {"address": str(message["address"]), "port": int(message["port"])}
        write_record(self.folder / MEETING_RECORD, where)

    def ask_to_leave(self, by: str) -> None:
        """Have the supervisor end all of it, once the state is kept."""
        with contextlib.suppress(OSError):  # a full disk: the leader does not wait for ever
            write_record(self.folder / "stop.json", {"by": by, "keep": True})

    def stop(self, by: str) -> None:
        """Have the supervisor end all of it."""
        with contextlib.suppress(OSError):  # a full disk: the signal says as much
            write_record(self.folder / "stop.json", {"by": by})
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Return when nothing of it runs; a supervisor that does not end in time is ended."""
        if not self._process:
            return
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def clear(self) -> None:
        """Delete the folder, once nothing runs in it."""
        self.wait()
        if self._follower:
            self._follower.join(_END_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def tie_to_parent() -> None:
    """Be told to end when the agent dies, however it does (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def main(folder: Path) -> int:
    """Supervise a part; its supervisor ends with its agent."""
    from aimass_jupyter.launch.supervisor import supervise

    tie_to_parent()
    return supervise(folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
