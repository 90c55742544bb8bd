"""A job as a few lines of plain text, for terminals, logs and saved notebooks.

Pure and deterministic: it asks nothing, and says the same whenever it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from aimass_jupyter.contract.job_course import JobUpdate, Series
from aimass_jupyter.contract.job_kinds import WORK
from aimass_jupyter.contract.jobs import Cause, Job
from aimass_jupyter.contract.quantities import counted

BAR_CELLS = 24
SPARK_CELLS = 24
MAX_CURVES = 8
CAUSE_LINES = 10

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_HIDDEN = frozenset({"progress"})
_LAST = frozenset({"learning_rate", "speed"})


def render_text(update: JobUpdate) -> str:
    """Return a job in words: name, state, progress, curves, cause or result, what to do next."""
    return "\n".join(_lines(update))


def _lines(update: JobUpdate) -> Iterator[str]:
    job = update.job
    yield _headline(job)
    yield _state_line(job)
    yield from _curve_lines(update.series)
    if job.final and job.metrics:
        held_out = "all rows" if job.kind == "evaluation" else "held-out rows"
        what = "logged last" if job.algorithm == "code" else held_out
        yield f"{what}: {format_metrics(job.metrics)}"
    if job.model:
        yield f"model: {job.model}"
    if job.result:
        yield f"result: {job.result}"
    yield from (f"warning: {warning}" for warning in job.warnings)
    if job.cause and job.state != "succeeded":
        yield from _cause_lines(job.cause)
    yield f"next: {next_step(job)}"


def _headline(job: Job) -> str:
    ranks = counted(job.np, "rank")
    where = job.engine if job.np == 1 else f"{ranks} on {job.engine}"
    work = job.algorithm or job.kind
    what = f"{work} on {job.dataset}" if job.dataset else work
    return f"{job.name} · {what} · {where} · {job.id}"


def _state_line(job: Job) -> str:
    if job.final:
        took = elapsed_seconds(job, job.ended_at)
        return f"{job.state} in {format_seconds(took)}" if took is not None else job.state
    fraction = job.progress.fraction
    line = f"{job.state} {progress_bar(fraction)} {fraction:4.0%}"
    eta = job.progress.eta_seconds
    return line if eta is None else f"{line} · {format_seconds(eta)} left"


def _curve_lines(series: Sequence[Series]) -> list[str]:
    """A line a curve: tag, newest value, sparkline."""
    shown = [one for one in in_order(series) if one.values][:MAX_CURVES]
    width = max((len(one.tag) for one in shown), default=0)
    return [
        f"{one.tag:<{width}}  {format_number(one.values[-1]):>9}  {sparkline(one.values)}"
        for one in shown
    ]


def _cause_lines(cause: Cause) -> list[str]:
    said = cause.rank is None or f"rank {cause.rank}" in cause.message
    rank = "" if said else f" (rank {cause.rank})"
    return [
        f"cause: {cause.message}{rank}",
        *(f"  │ {line}" for line in cause.last_lines[-CAUSE_LINES:]),
    ]


def next_step(job: Job) -> str:
    """Return the line to type next."""
    if job.model:
        return f"%aimass promote {job.model} --alias production"
    if job.result and WORK[job.kind].gives == "file":
        return f"%aimass jobs download {job.id} {job.result} --output {job.result}"
    return f"%aimass {'logs' if job.final else 'attach'} {job.id}"


def elapsed_seconds(job: Job, until: datetime | None) -> float | None:
    """Seconds the job ran, or has run until then; None when it never started."""
    end = job.ended_at or until
    if job.started_at is None or end is None:
        return None
    return max(0.0, (end - job.started_at).total_seconds())


def in_order(series: Iterable[Series]) -> list[Series]:
    """The curves worth showing: losses first, then metrics, then how the run went."""

    def place(one: Series) -> tuple[bool, bool, bool, str]:
        head = one.tag.partition("/")[0]
        return head in _LAST, head != "loss", "loss" not in head, one.tag

    return sorted((one for one in series if one.tag.partition("/")[0] not in _HIDDEN), key=place)


def progress_bar(fraction: float, cells: int = BAR_CELLS) -> str:
    """Return a bar of ``cells`` characters, exact to an eighth of one."""
    eighths = round(min(1.0, max(0.0, fraction)) * cells * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return f"▕{bar:<{cells}}▏"


def sparkline(values: Sequence[float | None], cells: int = SPARK_CELLS) -> str:
    """Return the mean of each stretch of a curve as a bar; a stretch of gaps only is a space."""
    size = max(1, -(-len(values) // cells))
    means = [_mean(values[at : at + size]) for at in range(0, len(values), size)]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if mean is None else _spark(mean, low, high) for mean in means)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(value / len(known) for value in known) if known else None


def _spark(value: float, low: float, high: float) -> str:
    """The bar of a value. Halves, because a difference may be larger than the largest number."""
    span = high / 2 - low / 2
    return _SPARKS[round((value / 2 - low / 2) / span * (len(_SPARKS) - 1)) if span > 0 else 0]


def format_metrics(metrics: dict[str, float | None]) -> str:
    """Metrics in one line."""
    return " · ".join(f"{name} {format_number(value)}" for name, value in metrics.items())


def format_number(value: float | None) -> str:
    """Four digits that matter; a missing value was NaN or infinite."""
    return "NaN" if value is None else f"{value:.4g}"


def format_seconds(seconds: float) -> str:
    """A duration as a person says it."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
