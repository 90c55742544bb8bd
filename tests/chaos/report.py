"""A storm from its first submission to its judgement, and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.invariants import KINDS, Violation, judge, judge_readoption
from tests.chaos.plane import Plane
from tests.chaos.storm import Storm
from tests.chaos.witness import Witness


@dataclass(frozen=True)
class Report:
    """What was done, and what was found wrong."""

    kills: int
    done: Counter[str]
    acknowledged: int
    readopted: list[float]
    violations: list[Violation]

    def __str__(self) -> str:
        counted = Counter(violation.kind for violation in self.violations)
        lines = [f"{self.kills} kills of the control plane, {self.acknowledged} jobs acknowledged"]
        lines += [f"  {number:6} {what}" for what, number in sorted(self.done.items())]
        lines += [f"  {max(self.readopted, default=0):6.2f} s until all jobs were known, at most"]
        lines += ["violations:"]
        lines += [f"  {counted[kind]:6} {kind}" for kind in KINDS]
        lines += [f"  {v.kind}: {v.subject}: {v.message}" for v in self.violations]
        return "\n".join(lines)


def storm_and_judge(
    folder: Path,
    kills: int,
    seed: int,
    *,
    long_down: float = 20.0,
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """A storm over a control plane in a folder, judged by what it left."""
    plane = Plane(folder / "data")
    storm = Storm(plane, folder / "marks", seed, long_down)
    try:
        storm.run(kills, say)
        with plane.client() as client:
            witness = Witness(client, folder / "marks")
            witness.look()
            violations = [
                violation
                for entry in storm.ledger.entries
                for violation in judge(entry, witness.found(entry))
            ]
    finally:
        plane.close()
    violations += judge_readoption(storm.readopted)
    acknowledged = sum(entry.acknowledged for entry in storm.ledger.entries)
    return Report(plane.kills, storm.done, acknowledged, storm.readopted, violations)
