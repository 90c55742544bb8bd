"""Running one program: output to a log, a sign of life on the screen, a clean stop.

Never uses a shell and never leaves a program behind when set-up is interrupted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

HEARTBEAT_SECONDS = 20.0  # between signs of life where the screen keeps every line
TAIL_BYTES = 64 * 1024
PATIENCE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class ProgramFailed(Exception):
    """A program ended with something else than success."""

    def __init__(self, argv: Sequence[str], code: int) -> None:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        super().__init__(f"{Path(argv[0]).name} {' '.join(argv[1:4])} … {how}")


@dataclass
class Screen:
    """What the person who waits sees."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)

    def say(self, text: str) -> None:
        """Print a line at once, over what a sign of life left on a terminal."""
        self.stream.write(f"{self._wipe()}{text}\n")
        self.stream.flush()

    def sign_of_life(self, seconds: float, doing: str) -> None:
        """Show that the program still works: in place on a terminal, as a line elsewhere."""
        text = f"      … {seconds:.0f} s  {doing}"[:100]
        if self.stream.isatty():
            self.stream.write(self._wipe() + text)
        else:
            self.stream.write(text + "\n")
        self.stream.flush()

    def _wipe(self) -> str:
        return "\r\x1b[2K" if self.stream.isatty() else ""


@dataclass
class Programs:
    """Runs the programs of one step; all of them write to the step's log."""

    log: Path
    environment: Mapping[str, str]
    screen: Screen
    folder: Path
    held: tuple[int, ...] = ()  # file descriptors that a program keeps open with us
    resumed: bool = False  # the step's last attempt was cut off
    heartbeat: float = HEARTBEAT_SECONDS
    patience: Sequence[tuple[signal.Signals, float]] = PATIENCE

    def run(
        self,
        *argv: str | Path,
        cwd: Path | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program to its end.

        Raises
        ------
        ProgramFailed
            When it ends with another code than 0.
        """
        words = [str(word) for word in argv]
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            process = subprocess.Popen(
                words,
                cwd=cwd or self.folder,
                env={**self.environment, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.held,
            )
            try:
                code = self._wait(process)
            except BaseException:
                stop(process, self.patience)
                raise
        if code != 0:
            raise ProgramFailed(words, code)

    def succeeds(
        self,
        *argv: str | Path,
        cwd: Path | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> bool:
        """Run a program to its end; whether it ended with 0."""
        try:
            self.run(*argv, cwd=cwd, extra=extra)
        except ProgramFailed:
            return False
        return True

    def tail(self, lines: int) -> list[str]:
        """The last lines of the log that say something."""
        with self.log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
        return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        began = time.monotonic()
        beat = 1.0 if self.screen.stream.isatty() else self.heartbeat
        while True:
            try:
                return process.wait(timeout=beat)
            except subprocess.TimeoutExpired:
                self.screen.sign_of_life(time.monotonic() - began, self._doing())

    def _doing(self) -> str:
        """What the log says is going on: the last line with a percentage, else the last line."""
        lines = self.tail(100)
        return next((line for line in reversed(lines) if "%]" in line), (lines or [""])[-1]).strip()


def stop(
    process: subprocess.Popen[bytes], patience: Sequence[tuple[signal.Signals, float]]
) -> None:
    """End a program and all that stayed in its session: asked first, then made to."""
    for number, seconds in patience:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
