"""Notes: what a job's folder says of its course, beside its state: restarts and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import read_notices, read_record, write_notice

RESTARTS_RECORD = "restarts.json"
ATTEMPTS_RECORD = "attempts.json"


@dataclass(frozen=True)
class Notes:
    """How often its ranks were started again, and what a person should know."""

    restarts: int
    warnings: list[str]

    @classmethod
    def of(cls, job: Job) -> Notes:
        """Those in its row."""
        return cls(job.restarts, job.warnings)

    @classmethod
    def read(cls, folder: Path) -> Notes:
        """Those in its folder; blocks on the disk."""
        record = read_record(folder / RESTARTS_RECORD) or {}
        before = (read_record(folder / ATTEMPTS_RECORD) or {}).get("attempts", [])
        restarts = sum(int(attempt["restarts"]) for attempt in before)
        return cls(restarts + int(record.get("restarts", 0)), read_notices(folder))


def begin_notes(folder: Path, job: Job) -> None:
    """Put into the folder what was said of the job before it ran; from then on the folder tells."""
    known = set(read_notices(folder))  # of a job that ran before
    for number, text in enumerate(job.warnings):
        if text in known:
            continue
        write_notice(folder, f"before-{number:03d}", text)
