"""The git commit that code lay under, and what was changed since. It reads and never writes.

Git takes longer than everything else that is done with a script; so it is asked first, two
questions at once, and heard last.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aimass_jupyter.source.manifest import MAX_NAMES, Repository

MAX_DIFF_BYTES = 1024**2
_SECONDS = 2.0
_STATUS = ("status", "--porcelain=v2", "--branch", "--untracked-files=normal")
_DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD")
_FIELDS = {"1": 8, "2": 9, "u": 10}  # before the path, in a line of that kind (git-status(1))

Description = tuple[Repository | None, bytes]


@contextmanager
def describing(folder: Path | None) -> Iterator[Callable[[], Description]]:
    """Ask for the commit, branch, names of changed files, and the diff of those that git tracks.

    What is given waits for the answers. What git does not track is named and never read: it may
    hold secrets. Outside a repository, or without git, there is nothing to tell.
    """
    program = shutil.which("git") if folder else None
    if folder is None or program is None:
        yield lambda: (None, b"")
        return
    with ExitStack() as asked:
        status = asked.enter_context(_asked(program, folder, *_STATUS))
        diff = asked.enter_context(_asked(program, folder, *_DIFF))
        yield lambda: _described(status() or b"", diff)


def _described(status: bytes, diff: Callable[[], bytes | None]) -> Description:
    told, changed = _read(status.decode(errors="replace").splitlines())
    commit = told.get("branch.oid", "(initial)")
    if commit == "(initial)":
        return None, b""
    content, note = diff() or b"", ""
    if len(content) > MAX_DIFF_BYTES:
        note = f"the diff has {len(content):,} bytes, over {MAX_DIFF_BYTES:,}: it was left out"
        content = b""
    branch = told.get("branch.head", "")
    found = Repository(
        commit=commit,
        branch="HEAD" if branch == "(detached)" else branch[:500],
        changed=[line[:500] for line in changed[:MAX_NAMES]],
        diff_bytes=len(content),
        note=note,
    )
    return found, content


def _read(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """What a status tells of the branch, and each changed file as ``git status --short`` has it."""
    told: dict[str, str] = {}
    changed = []
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            told[name] = value
        elif kind == "?":
            changed.append(f"?? {rest}")
        elif kind in _FIELDS:
            changed.append(_short(line.split(" ", _FIELDS[kind])))
    return told, changed


def _short(fields: list[str]) -> str:
    path, _, before = fields[-1].partition("\t")
    return f"{fields[1].replace('.', ' ')} {f'{before} -> ' if before else ''}{path}"


@contextmanager
def _asked(program: str, folder: Path, *words: str) -> Iterator[Callable[[], bytes | None]]:
    """Ask git; what is given waits for what it says: None when it says no, or takes too long."""
    safe = ["-c", "core.fsmonitor=false", "-c", "core.quotepath=false"]
    safe += ["-c", "status.relativePaths=false", "--no-optional-locks"]
    try:
        process = subprocess.Popen(
            [program, *safe, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        yield lambda: None
        return
    with process:
        try:
            yield lambda: _answer(process)
        finally:
            process.kill()  # nobody waits for it any more; mostly it has ended


def _answer(process: subprocess.Popen[bytes]) -> bytes | None:
    try:
        said, _ = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return said if process.returncode == 0 else None
