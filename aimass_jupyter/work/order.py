"""What a program of the queue is asked for, and where it leaves what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import write_record

ARTIFACTS = "work"
RESULT_RECORD = "result.json"
METRICS_RECORD = "metrics.json"


@dataclass(frozen=True)
class WorkOrder:
    """One piece of work.

    Attributes
    ----------
    spec
        What is asked for.
    folder
        The job's own.
    """

    spec: JobSpec
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> WorkOrder:
        """Read the order of a job's folder."""
        content = (folder / "spec.json").read_bytes()
        return cls(JobSpec.model_validate_json(content), folder)

    @property
    def params(self) -> dict[str, Any]:
        """What was asked for in words."""
        return self.spec.params

    def artifact(self, name: str) -> Path:
        """Where a file goes that people may download."""
        place = self.folder / ARTIFACTS
        place.mkdir(exist_ok=True, mode=0o700)
        return place / name

    def gives(self, name: str, metrics: dict[str, float | None] | None = None) -> None:
        """Say what came of it; written last: where it is, all the rest is whole."""
        if metrics is not None:
            write_record(self.folder / METRICS_RECORD, {"metrics": metrics})
        write_record(self.folder / RESULT_RECORD, {"result": name})

    def tell(self, text: str) -> None:
        """Say something in the job's log."""
        print(text, flush=True)
