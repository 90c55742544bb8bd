"""What a view knows of a job: its newest state, and curves and log so far, bounded.

Pure: absorbs updates and says what each added; it asks for nothing and sends nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.job_course import Gap, JobUpdate, Series
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets.curves import CurveSet, wire
from aimass_jupyter.widgets.log_tail import LogTail
from aimass_jupyter.widgets.stills import Line, curves_picture
from aimass_jupyter.widgets.text import elapsed_seconds, in_order, next_step, render_text


class JobRecord:
    """A job, from the first update on.

    A front end that missed something must notice, so every addition carries the ``revision`` it
    applies to and the one it leads to. A front end may ask for the whole on any thread of the
    kernel, hence the lock.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.end = False
        self.revision = 0
        self._cursor = ""
        self._lock = threading.Lock()
        self._gaps: list[Gap] = []
        self._missing: Counter[str] = Counter()
        self._curves = CurveSet()
        self._log = LogTail()

    def knows(self, update: JobUpdate) -> bool:
        """Return whether an update says nothing new, as the answer to a question in vain."""
        news = update.series or update.log or update.end
        same_gaps = not update.gaps or update.gaps == self._gaps
        return not news and same_gaps and update.job == self.job

    def absorb(self, update: JobUpdate) -> dict[str, Any]:
        """Take an update in and return the addition to send to front ends."""
        with self._lock:
            self.job, self.end, self._cursor = update.job, update.end, update.cursor
            self._gaps = update.gaps or self._gaps
            self._count_missing(update)
            self._curves.extend(update.series)
            lines = self._log.append(update.log)
            lines += self._log.finish() if update.end else []
            self.revision += 1
            new = {"series": wire(update.series), "lines": lines}
            return new | {"from": self.revision - 1, "revision": self.revision}

    def whole(self) -> dict[str, Any]:
        """All that is kept of the curves and the log, as a front end takes it."""
        with self._lock:
            series, lines = wire(self._curves.series()), list(self._log.lines)
            return {"revision": self.revision, "series": series, "lines": lines}

    def update(self) -> JobUpdate | None:
        """All that is kept, in the contract's form; None before the first update."""
        if self.job is None:
            return None
        return JobUpdate(
            job=self.job,
            series=self._curves.series(),
            gaps=self._gaps,
            log="\n".join(self._log.lines),
            cursor=self._cursor,
            end=self.end,
        )

    def card(self) -> dict[str, Any]:
        """The job without its curves and its log, as a front end shows it."""
        return card(self.job, self._gaps, self._missing) if self.job else {}

    def text(self) -> str:
        """The job as a few lines of plain text."""
        update = self.update()
        return render_text(update) if update else "Job: not asked for yet."

    def picture(self) -> dict[str, str]:
        """The curves as a picture under its MIME type; nothing before the first point."""
        return curves_picture(map(_named, in_order(self._curves.series())))

    def _count_missing(self, update: JobUpdate) -> None:
        for series in update.series:
            if series.missing:
                self._missing[series.tag] += len(series.missing)


def _named(series: Series) -> Line:
    """``loss/train`` is the line ``train`` of the plot ``loss``."""
    title, _, name = series.tag.partition("/")
    return title.replace("_", " "), name or title, series


def card(job: Job, gaps: list[Gap], missing: Mapping[str, int] | None = None) -> dict[str, Any]:
    """What a front end shows of a job besides curves and log; bounded, JSON."""
    kept = {
        "id",
        "name",
        "state",
        "engine",
        "np",
        "start",
        "dataset",
        "metrics",
        "model",
        "restarts",
        "warnings",
    }
    return job.model_dump(mode="json", include=kept) | {
        "algorithm": job.algorithm or job.kind,
        "final": job.final,
        "fraction": job.progress.fraction,
        "eta_seconds": job.progress.eta_seconds,
        "elapsed_seconds": elapsed_seconds(job, utc_now()),
        "cause": job.cause.model_dump(mode="json") if job.cause else None,
        "next": next_step(job),
        "damaged_bytes": sum(gap.size_bytes for gap in gaps),
        "gaps": len(gaps),
        "not_finite": dict(missing or {}),
    }
