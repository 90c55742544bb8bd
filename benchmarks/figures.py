"""Figures: what a benchmark measured, as a table on the screen and as a record beside it.

A record is a list with one entry a comparison; a larger ratio is better for the product.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "build" / "bench"


@dataclass(frozen=True)
class Comparison:
    """The same work done by the product and by a peer, in turn.

    Attributes
    ----------
    goal
        The ratio that is aimed at.
    more_is_better
        Whether the figures are rates rather than times.
    note
        What else a reader of the table should know.
    """

    peer: str
    peer_version: str
    ours: Sequence[float]
    theirs: Sequence[float]
    unit: str
    goal: float
    more_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times better the product is, median against median."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return ours / theirs if self.more_is_better else theirs / ours

    def record(self, row: str) -> dict[str, Any]:
        """The entry of the record."""
        return {
            "row": row,
            "peer": self.peer,
            "peer_version": self.peer_version,
            "ours": statistics.median(self.ours),
            "theirs": statistics.median(self.theirs),
            "unit": self.unit,
            "ratio": self.ratio,
            "goal": self.goal,
            "pairs": min(len(self.ours), len(self.theirs)),
        } | ({"note": self.note} if self.note else {})


def publish(row: str, comparisons: Sequence[Comparison]) -> None:
    """Print the table and write ``build/bench/<row>.json``."""
    entries = [comparison.record(row) for comparison in comparisons]
    print(f"\n{row}")
    wide = max(len(entry["peer"]) for entry in entries)
    print(f"{'peer':{wide}}  {'ours':>10}  {'theirs':>10}  {'unit':12}  ratio   goal")
    for entry in entries:
        print(
            f"{entry['peer']:{wide}}  {entry['ours']:10.4g}  {entry['theirs']:10.4g}  "
            f"{entry['unit']:12}  {entry['ratio']:5.2f}  {entry['goal']:5.2f}  "
            f"{'' if entry['ratio'] >= entry['goal'] else 'short  '}{entry.get('note', '')}"
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{row}.json"
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    print(f"\n{path}")


def version_of(package: str) -> str:
    """The installed version of a peer, or that there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
