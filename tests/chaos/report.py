"""A storm from its first submission to its judgement, and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.hardships import MemoryGroup, SmallDisk
from tests.chaos.invariants import KINDS, Violation, judge, judge_readoption
from tests.chaos.plane import Plane
from tests.chaos.storm import Storm
from tests.chaos.witness import Witness


@dataclass(frozen=True)
class Report:
    """What was done, and what was found wrong; ``without``: the hardships that it had not."""

    kills: int
    done: Counter[str]
    acknowledged: int
    readopted: list[float]
    violations: list[Violation]
    without: list[str]

    def __str__(self) -> str:
        counted = Counter(violation.kind for violation in self.violations)
        lines = [f"{self.kills} kills of the control plane, {self.acknowledged} jobs acknowledged"]
        lines += [f"  {number:6} {what}" for what, number in sorted(self.done.items())]
        lines += [f"  {max(self.readopted, default=0):6.2f} s until all jobs were known, at most"]
        lines += [f"  left out: {why}" for why in self.without]
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
    disk, memory = SmallDisk(folder / "data"), MemoryGroup()
    plane = Plane(disk.folder, memory)
    storm = Storm(plane, disk, memory, folder / "marks", seed, long_down)
    try:
        storm.run(kills, say)
        violations = _judged(storm, plane, folder / "marks")
    finally:
        plane.close()
        left = memory.close()
        disk.close()
    violations += [Violation("left", "the control plane", command) for command in left]
    violations += judge_readoption(storm.readopted)
    acknowledged = sum(entry.acknowledged for entry in storm.ledger.entries)
    without = [why for why in (disk.why_not, memory.why_not) if why]
    return Report(plane.kills, storm.done, acknowledged, storm.readopted, violations, without)


def _judged(storm: Storm, plane: Plane, marks: Path) -> list[Violation]:
    """All that is wrong with the submissions of a storm."""
    with plane.client() as client:
        witness = Witness(client, marks)
        witness.look()
        return [
            violation
            for entry in storm.ledger.entries
            for violation in judge(entry, witness.found(entry))
        ]
