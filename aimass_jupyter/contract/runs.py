"""Runs and experiments: what was tracked of each execution. A job that trains has a run."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    Tag,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.job_course import Curves
from aimass_jupyter.contract.jobs import Cause, JobState
from aimass_jupyter.contract.operation import Operation

MAX_COMPARED = 20
MAX_TAGS = 32
KEEP = "keep"  # the tag of a run that no retention takes

_LOWER = re.compile(r"loss|error|perplexity|(^|[^a-z])r?m[as]p?e([^a-z]|$)", re.IGNORECASE)


@lru_cache(4096)  # asked of each metric of each run of a page
def lower_is_better(metric: str) -> bool:
    """Whether a metric's name says so: losses and errors."""
    return bool(_LOWER.search(metric))


class MetricSummary(Resource):
    """What is known of one curve without its points; None where there was no finite value."""

    last: float | None = Field(None, description="The newest value; None for NaN or infinite.")
    lowest: float | None = None
    highest: float | None = None
    step: int = Field(0, description="The newest step.")
    points: int = 0
    not_finite: int = Field(0, description="Points that are NaN or infinite.")

    def best(self, metric: str) -> float | None:
        """The best value, by what the metric's name says of which way is up."""
        return self.lowest if lower_is_better(metric) else self.highest


class Run(Resource):
    """One tracked execution."""

    id: str
    name: str
    experiment: str
    job: str = Field(description="Id of the job whose run it is; empty when it has none.")
    owner: str
    tenant: str
    state: JobState
    cause: Cause | None = Field(None, description="Why it ended as it did.")
    params: dict[str, Any]
    metrics: dict[str, float | None] = Field(
        default_factory=dict, description="The newest value of each metric; None for NaN."
    )
    best: dict[str, float | None] = Field(
        default_factory=dict, description="The best value of each metric."
    )
    tags: list[str] = []
    notes: str = ""
    created_at: UtcTime
    started_at: UtcTime | None = None
    ended_at: UtcTime | None = None


class Experiment(Resource):
    """A named group of runs."""

    id: str
    name: str
    owner: str
    tenant: str
    created_at: UtcTime
    runs: int
    newest_at: UtcTime | None = Field(None, description="When its newest run was made.")


class ExperimentList(PageRequest):
    search: str = argument("", help="Part of a name.", max_length=128)


class ExperimentRef(Request):
    experiment: str = argument(
        help="Name or id.", positional=True, completes="experiments", max_length=128
    )


class RunList(PageRequest):
    experiment: str | None = argument(
        None, help="Only runs of this experiment.", completes="experiments", max_length=128
    )
    tag: str | None = argument(None, help="Only runs with this tag.", max_length=64)
    state: JobState | Literal["active"] | None = argument(
        None, help="Only runs in this state; active: all that have not ended."
    )
    search: str = argument("", help="Part of a name or of the notes.", max_length=128)
    order_by: str | None = argument(
        None,
        help="Order by the newest value of this metric; a run without one, or NaN, comes last.",
        max_length=200,
    )
    ascending: bool = argument(False, help="The lowest first.")


class RunRef(Request):
    run: str = argument(
        help="Id, name (then its newest run), or the id of its job.",
        positional=True,
        completes="runs",
        max_length=128,
    )


class RunTag(RunRef):
    add: list[Tag] = argument([], help="Tags to add.", positional=True, max_length=MAX_TAGS)
    remove: list[Tag] = argument([], help="Tags to take away.", max_length=MAX_TAGS)


class RunNote(RunRef):
    notes: str = argument(help="The notes, in place of what was there.", positional=True,
                          max_length=10_000)  # fmt: skip


class RunMetrics(RunRef):
    cursor: str = argument("", help="From the answer before: only newer points.", max_length=64)
    max_points: int | None = argument(
        None,
        help="Points a curve at most; what is left out keeps every peak and gap.",
        ge=8,
        le=1_000_000,
    )


class RunCompare(Request):
    runs: list[str] = argument(
        help="Two or more runs: ids or names.",
        positional=True,
        completes="runs",
        min_length=1,
        max_length=MAX_COMPARED,
    )
    max_points: int = argument(
        200, help="Points a curve at most; 0 leaves the curves out.", ge=0, le=100_000
    )


class RunPrune(Request):
    experiment: str | None = argument(
        None, help="Only runs of this experiment.", completes="experiments", max_length=128
    )
    older_than_days: float | None = argument(
        None, help="Take runs that ended longer ago than this.", ge=0, le=36_500
    )
    keep_newest: int | None = argument(
        None, help="Keep so many of the newest runs of each experiment.", ge=0
    )
    keep_best: int | None = argument(
        None, help="Keep so many of the best runs of each experiment, by --metric.", ge=0
    )
    metric: str | None = argument(None, help="What makes a run the best.", max_length=200)
    dry_run: bool = argument(False, help="Tell what would go, take nothing.")


class ComparedRun(Resource):
    """One run of a comparison."""

    run: Run
    curves: Curves


class Comparison(Resource):
    """Runs side by side, in the order in which they were asked for."""

    runs: list[ComparedRun]
    params: dict[str, list[Any]] = Field(
        description="The parameters that differ: a value a run; None where it has none."
    )
    metrics: dict[str, list[float | None]] = Field(description="Newest value a run.")
    best: dict[str, list[float | None]] = Field(description="Best value a run.")


class Pruned(Resource):
    """What went, or would go."""

    runs: list[Run]
    freed_bytes: int
    dry_run: bool


OPERATIONS = (
    Operation(
        name="experiments.list",
        method="GET",
        path="/experiments",
        short="experiments",
        request=ExperimentList,
        response=Page[Experiment],
        permission="runs:read",
        help="List the experiments by name.",
        examples=("experiments list",),
    ),
    Operation(
        name="experiments.show",
        method="GET",
        path="/experiments/{experiment}",
        request=ExperimentRef,
        response=Experiment,
        permission="runs:read",
        help="Show an experiment: how many runs it has, and when the newest was made.",
        examples=("experiments show digits",),
    ),
    Operation(
        name="experiments.delete",
        method="DELETE",
        path="/experiments/{experiment}",
        request=ExperimentRef,
        response=Done,
        permission="runs:delete",
        help="Delete an experiment with all its runs, and free their bytes.",
        examples=("experiments delete digits",),
    ),
    Operation(
        name="runs.list",
        method="GET",
        path="/runs",
        short="runs",
        request=RunList,
        response=Page[Run],
        permission="runs:read",
        help="List the runs, newest first or by a metric.",
        examples=(
            "runs list --experiment digits",
            "runs list --tag good --order-by accuracy",
            "runs list --order-by loss/validation --ascending",
        ),
    ),
    Operation(
        name="runs.show",
        method="GET",
        path="/runs/{run}",
        request=RunRef,
        response=Run,
        permission="runs:read",
        help="Show a run: parameters, metrics, tags, notes.",
        examples=("runs show digits",),
    ),
    Operation(
        name="runs.tag",
        method="POST",
        path="/runs/{run}/tags",
        short="tag",
        request=RunTag,
        response=Run,
        permission="runs:update",
        help=f"Add tags to a run, or take some away; what is tagged '{KEEP}' no pruning takes.",
        examples=("tag digits good", "tag digits --remove good"),
    ),
    Operation(
        name="runs.note",
        method="PUT",
        path="/runs/{run}/notes",
        short="note",
        request=RunNote,
        response=Run,
        permission="runs:update",
        help="Write the notes of a run.",
        examples=('note digits "a smaller learning rate"',),
    ),
    Operation(
        name="runs.metrics",
        method="GET",
        path="/runs/{run}/metrics",
        request=RunMetrics,
        response=Curves,
        permission="runs:read",
        help="Read the curves of a run.",
        examples=("runs metrics digits", "runs metrics digits --max-points 500"),
    ),
    Operation(
        name="runs.compare",
        method="GET",
        path="/comparisons",
        short="compare",
        request=RunCompare,
        response=Comparison,
        permission="runs:read",
        help="Compare runs: the parameters that differ, metrics and curves side by side.",
        examples=("compare digits digits-wide",),
    ),
    Operation(
        name="runs.delete",
        method="DELETE",
        path="/runs/{run}",
        request=RunRef,
        response=Done,
        permission="runs:delete",
        help="Delete a run and free its bytes: event files, checkpoints, logs.",
        examples=("runs delete digits",),
    ),
    Operation(
        name="runs.prune",
        method="POST",
        path="/retention",
        short="prune",
        request=RunPrune,
        response=Pruned,
        permission="runs:delete",
        help="Delete runs that are old or not among the best, and free their bytes.",
        examples=(
            "prune --older-than-days 30 --dry-run",
            "prune --experiment digits --keep-best 5 --metric accuracy",
        ),
    ),
)
