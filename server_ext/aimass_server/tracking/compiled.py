"""The compiled reading of many records at once (``scan.c``), where set-up has built it.

It gives what ``bulk`` gives; without the library, or without the right to load it, that one reads.
"""

from __future__ import annotations

import ctypes
import logging
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aimass_server.tracking.bulk import Stretch, Taken

LIBRARY: Final = Path(__file__).with_name("scan.so")
_SMALLEST: Final = 39  # bytes of a record that is a point
_MAX_TAGS: Final = 4096

logger = logging.getLogger("aimass.tracking")


class _Tag(ctypes.Structure):
    """Where a tag stands in a block."""

    _fields_ = [("offset", ctypes.c_int64), ("size", ctypes.c_int64)]


def read(block: bytes, position: int) -> Taken:
    """Read the records from a position on, up to the first that must be looked at alone."""
    most = (len(block) - position) // _SMALLEST + 1
    which = np.empty(most, np.int32)
    steps, times, values = np.empty(most, np.int64), np.empty(most), np.empty(most)
    tags = (_Tag * _MAX_TAGS)()
    end, known = ctypes.c_int64(position), ctypes.c_int32(0)
    library = load()
    assert library is not None  # who calls has asked
    count: int = library.scan(
        block, ctypes.c_int64(len(block)), ctypes.byref(end), ctypes.c_int64(most),
        _at(which), _at(steps), _at(times), _at(values),
        tags, ctypes.byref(known), ctypes.c_int32(_MAX_TAGS),
    )  # fmt: skip
    names = [_name(block, tags[number]) for number in range(known.value)]
    columns = steps[:count], times[:count], values[:count]
    return Taken(end.value, count, count, _stretches(names, which[:count], columns))


@cache
def load() -> ctypes.CDLL | None:
    """The library; None when it was not built, or cannot be loaded here."""
    if not LIBRARY.exists():
        return None
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.prepare()
        library.scan.restype = ctypes.c_int64
    except (OSError, AttributeError) as error:
        logger.warning("%s cannot be used: %s; event files are read without it", LIBRARY, error)
        return None
    return library


def _stretches(
    names: list[str], which: npt.NDArray[np.int32], columns: tuple[npt.NDArray[Any], ...]
) -> list[Stretch]:
    """The points of each curve, in their order."""
    if not names:
        return []
    if len(names) == 1:
        return [Stretch(names[0], np.arange(len(which)), *columns)]
    order = np.argsort(which.astype(np.int16), kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(names)))
    sorted_columns = [order, *(column[order] for column in columns)]
    found: dict[str, Stretch] = {}
    for name, start, end in zip(names, [0, *ends[:-1]], ends, strict=True):
        stretch = Stretch(name, *(column[start:end] for column in sorted_columns))
        found[name] = _merged(found[name], stretch) if name in found else stretch
    return list(found.values())


def _merged(first: Stretch, second: Stretch) -> Stretch:
    """Two stretches of one curve: tags that are no UTF-8 may be read as the same text."""
    order = np.argsort(np.concatenate([first.places, second.places]), kind="stable")
    columns = (
        np.concatenate([getattr(first, name), getattr(second, name)])[order]
        for name in ("places", "steps", "times", "values")
    )
    return Stretch(first.tag, *columns)


def _name(block: bytes, tag: Any) -> str:
    return block[tag.offset : tag.offset + tag.size].decode(errors="replace")


def _at(column: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(column.ctypes.data)
