"""The git commit that code lay under, and what was changed since. It reads and never writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from aimass_jupyter.source.manifest import MAX_NAMES, Repository

MAX_DIFF_BYTES = 1024**2
_SECONDS = 2.0


def describe(folder: Path) -> tuple[Repository | None, bytes]:
    """Commit, branch, names of changed files, and the diff of those that git tracks.

    What git does not track is named and never read: it may hold secrets. Outside a repository, or
    without git, there is nothing to tell.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None, b""
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal") or b""
    changed = status.decode(errors="replace").splitlines()
    diff = _git(folder, "diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD") or b""
    note = ""
    if len(diff) > MAX_DIFF_BYTES:
        note = f"the diff has {len(diff):,} bytes, over {MAX_DIFF_BYTES:,}: it was left out"
        diff = b""
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD") or b""
    found = Repository(
        commit=commit.decode().strip(),
        branch=branch.decode(errors="replace").strip()[:500],
        changed=[line[:500] for line in changed[:MAX_NAMES]],
        diff_bytes=len(diff),
        note=note,
    )
    return found, diff


def _git(folder: Path, *words: str) -> bytes | None:
    """What git says; None when it says no, or takes too long."""
    program = shutil.which("git")
    if program is None:
        return None
    safe = ["-c", "core.fsmonitor=false", "-c", "core.quotepath=false", "--no-optional-locks"]
    try:
        done = subprocess.run(
            [program, *safe, "-C", str(folder), *words],
            capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
