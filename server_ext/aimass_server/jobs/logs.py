"""A job's logs: one file a rank, read by whole lines from where a cursor stands."""

from __future__ import annotations

from pathlib import Path

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_server.jobs.log_search import SEARCHED_BYTES, Search
from aimass_server.jobs.log_search import search as search_log

LAUNCHER = -1

Positions = dict[int, int]

_LAST_OFFSET = 2**63 - 1
_LONGEST_LINE_BYTES = 1 << 20


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


def begin_at(folder: Path, rank: int | None, offset: int) -> Positions:
    """The position of a byte of a rank's log, counted from its end when it is negative.

    A byte within a line is moved on to the next line.

    Raises
    ------
    InvalidRequest
        When no rank is named, or there is no log of it.
    """
    if rank is None:
        raise InvalidRequest(f"--from-byte {offset} of which log?", "say --rank 0, too")
    path = _files(folder).get(rank)
    if path is None:
        raise InvalidRequest(f"there is no log of rank {rank}", "see: jobs show")
    size = path.stat().st_size
    at = min(size, offset if offset >= 0 else max(0, size + offset))
    if not at:
        return {rank: 0}
    with path.open("rb") as file:
        file.seek(at - 1)
        before = file.read(1)
        rest = b"" if before == b"\n" else file.readline(_LONGEST_LINE_BYTES)
    return {rank: at + len(rest)}


def find(
    folder: Path, positions: Positions, rank: int | None, limit_bytes: int, search: Search,
    *, final: bool,
) -> tuple[str, Positions]:  # fmt: skip
    """The lines after the positions that are searched for, each led by its rank and first byte."""
    files = _files(folder)
    chosen = files if rank is None else {r: p for r, p in files.items() if r == rank}
    after = dict(positions)
    parts: list[str] = []
    left, budget = limit_bytes, SEARCHED_BYTES
    for number, path in sorted(chosen.items()):
        begin = positions.get(number, 0)
        lines, after[number] = search_log(path, begin, left, budget, search.filter, final=final)
        budget -= after[number] - begin
        parts += [f"[{_label(number)} @{at}] {text}\n" for at, text in lines]
        left -= sum(len(text) for _, text in lines)
    return "".join(parts), after


def goes_on(folder: Path, positions: Positions, rank: int | None, *, final: bool) -> bool:
    """Whether there is more to read after the positions now."""
    chosen = _files(folder)
    if rank is not None:
        chosen = {number: path for number, path in chosen.items() if number == rank}
    return any(
        _whole_lines(path, positions.get(number, 0), _LONGEST_LINE_BYTES, final)
        for number, path in chosen.items()
    )


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
    if end or len(content) < limit_bytes:
        return content[:end]
    return content[: len(content) - _cut_letter(content)] or content


def _cut_letter(content: bytes) -> int:
    """The bytes of a letter (UTF-8) that goes on after the end of these."""
    for back, byte in enumerate(reversed(content[-3:]), 1):
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return back if back < length else 0
    return 0


def _labelled(text: str, rank: int) -> str:
    return "".join(f"[{_label(rank)}] {line}\n" for line in text.splitlines())


def _label(rank: int) -> str:
    return "launcher" if rank == LAUNCHER else str(rank)
