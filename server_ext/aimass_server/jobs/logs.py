"""A job's logs: one file a rank, read by whole lines from where a cursor stands."""

from __future__ import annotations

from pathlib import Path

from aimass_jupyter.contract.errors import InvalidRequest

LAUNCHER = -1

Positions = dict[int, int]

_LAST_OFFSET = 2**63 - 1


def parse_cursor(cursor: str) -> Positions:
    """``rank=offset,…`` as a mapping.

    Raises
    ------
    InvalidRequest
        When it is not a cursor of ours.
    """
    try:
        pairs = [pair.split("=") for pair in cursor.split(",") if pair]
        return {int(rank): _offset(text) for rank, text in pairs}
    except ValueError:
        raise InvalidRequest(
            f"cursor '{cursor[:40]}' is not one of ours", "pass the cursor of the answer before"
        ) from None


def _offset(text: str) -> int:
    offset = int(text)
    if not 0 <= offset <= _LAST_OFFSET:
        raise ValueError(text)
    return offset


def format_cursor(positions: Positions) -> str:
    """The mapping as a cursor."""
    return ",".join(f"{rank}={offset}" for rank, offset in sorted(positions.items()))


def sizes(folder: Path) -> Positions:
    """How long each log is now."""
    return {rank: path.stat().st_size for rank, path in _files(folder).items()}


def read(
    folder: Path, positions: Positions, rank: int | None, limit_bytes: int, *, final: bool
) -> tuple[str, Positions]:
    """Read whole lines after the positions; merged lines are led by their rank.

    Parameters
    ----------
    final
        Nothing is written any more: a last line without an end is read too.

    Returns
    -------
    text, positions
        What was read, and where it ended.
    """
    files = _files(folder)
    chosen = files if rank is None else {r: p for r, p in files.items() if r == rank}
    after = dict(positions)
    parts: list[str] = []
    left = limit_bytes
    for number, path in sorted(chosen.items()):
        content = _whole_lines(path, positions.get(number, 0), left, final)
        after[number] = positions.get(number, 0) + len(content)
        left -= len(content)
        text = content.decode(errors="replace")
        parts.append(text if rank is not None else _labelled(text, number))
    return "".join(parts), after


def _files(folder: Path) -> dict[int, Path]:
    logs = folder / "log"
    files = {int(p.stem.removeprefix("rank-")): p for p in logs.glob("rank-*.log")}
    if (launcher := logs / "launcher.log").exists():
        files[LAUNCHER] = launcher
    return files


def _whole_lines(path: Path, offset: int, limit_bytes: int, final: bool) -> bytes:
    """Bytes up to the last newline within the limit; a longer line is cut at the limit."""
    if limit_bytes <= 0:
        return b""
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read(limit_bytes)
    if final and len(content) < limit_bytes:
        return content
    end = content.rfind(b"\n") + 1
    return content[:end] if end or len(content) < limit_bytes else content


def _labelled(text: str, rank: int) -> str:
    label = "launcher" if rank == LAUNCHER else str(rank)
    return "".join(f"[{label}] {line}\n" for line in text.splitlines())
