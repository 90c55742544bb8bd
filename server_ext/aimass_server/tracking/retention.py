"""Which runs a retention takes. Pure: it reads no clock and deletes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.runs import KEEP, Run, RunPrune, lower_is_better


def choose(ended: Sequence[Run], request: RunPrune, now: datetime) -> list[Run]:
    """The runs that go, of those that have ended (newest first).

    A run goes when it is old enough and none of the rules keeps it.

    Raises
    ------
    InvalidRequest
        When the request names no rule, or ``keep_best`` without a metric.
    """
    _check(request)
    kept = {run.id for run in ended if KEEP in run.tags}
    for runs in _by_experiment(ended).values():
        kept |= {run.id for run in runs[: request.keep_newest or 0]}
        if request.metric is not None:
            kept |= {run.id for run in _best(runs, request.metric)[: request.keep_best or 0]}
    old = [run for run in ended if _is_old(run, request.older_than_days, now)]
    return [run for run in old if run.id not in kept]


def _check(request: RunPrune) -> None:
    rules = (request.older_than_days, request.keep_newest, request.keep_best)
    if all(rule is None for rule in rules):
        raise InvalidRequest(
            "nothing says which runs to take",
            "say --older-than-days 30, --keep-newest 10, or --keep-best 5 --metric accuracy",
        )
    if request.keep_best is not None and request.metric is None:
        raise InvalidRequest(
            f"--keep-best {request.keep_best} needs to know what makes a run the best",
            "say --metric accuracy",
        )


def _by_experiment(runs: Sequence[Run]) -> dict[tuple[str, str], list[Run]]:
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.tenant, run.experiment), []).append(run)
    return grouped


def _best(runs: Sequence[Run], metric: str) -> list[Run]:
    """The runs that have a value of the metric, the best first."""
    known = [(value, run) for run in runs if (value := run.best.get(metric)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=not lower_is_better(metric))
    return [run for _, run in known]


def _is_old(run: Run, days: float | None, now: datetime) -> bool:
    if days is None:
        return True
    return run.ended_at is not None and run.ended_at < now - timedelta(days=days)
