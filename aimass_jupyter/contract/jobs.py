"""Jobs: requests to run something. A job owns processes, logs, curves and checkpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    Page,
    PageRequest,
    Request,
    Resource,
    Tag,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.operation import Operation

JobState = Literal[
    "queued", "starting", "running", "stopping", "succeeded", "failed", "stopped", "lost"
]
Engine = Literal["single", "horovod", "torchrun"]
Priority = Literal["low", "normal", "high", "urgent"]
NodesWanted = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[1-9][0-9]{0,3}$")]

Missing = Literal["nan", "inf", "-inf"]

FINAL_STATES: frozenset[str] = frozenset({"succeeded", "failed", "stopped", "lost"})


class JobOptions(Request):
    """How a job runs, whatever it trains."""

    priority: Priority = argument(
        "normal", help="Whose turn it is: urgent jobs come first.", group="Queue"
    )
    after: list[str] = argument(
        [],
        help="Jobs that must succeed before: ids or names.",
        completes="jobs",
        max_length=64,
        group="Queue",
    )
    min_np: int | None = argument(
        None, help="Elastic: go on with so few ranks.", ge=1, le=4096, group="Faults"
    )
    max_np: int | None = argument(
        None,
        help="Elastic: take up to so many ranks when there is room.",
        ge=1,
        le=4096,
        group="Faults",
    )
    max_restarts: int = argument(
        0,
        help="How often its ranks are started again after a failure.",
        ge=0,
        le=1000,
        group="Faults",
    )
    checkpoint_steps: int | None = argument(
        None, help="Steps between checkpoints, beside those of every epoch.", ge=1, group="Faults"
    )
    checkpoint_seconds: float | None = argument(
        None, help="Seconds between checkpoints.", gt=0, group="Faults"
    )
    checkpoints_kept: int = argument(
        2, help="Checkpoints that are kept.", ge=1, le=1000, group="Faults"
    )
    stall_seconds: float = argument(
        600.0,
        help="No step for so long counts as a hang, and ends the job.",
        gt=0,
        le=86_400,
        group="Faults",
    )
    on_nan: Literal["stop", "skip", "continue"] = argument(
        "stop",
        help="When the loss is NaN or infinite: stop, skip the step, or continue.",
        group="Faults",
    )
    dry_run: bool = argument(
        False, help="Do one step on a tiny batch, register nothing.", group="Own code"
    )
    histograms: bool = argument(
        False, help="Show weights and gradients as histograms, after every epoch.", group="Tracking"
    )
    experiment: str | None = argument(
        None,
        help="The experiment that its run belongs to; by default the job's name.",
        pattern=NAME_PATTERN,
        group="Tracking",
    )
    tags: list[Tag] = argument([], help="Tags of its run.", max_length=32, group="Tracking")
    notes: str = argument("", help="Notes on its run.", max_length=10_000, group="Tracking")
    cluster: str = argument(
        "local",
        help="The pool of nodes that it runs on.",
        completes="clusters",
        max_length=128,
        group="Nodes",
    )
    nodes: list[NodesWanted] = argument(
        [], help="So many nodes of each profile: cpu-large:2,any:1.", max_length=64, group="Nodes"
    )
    node_labels: list[Tag] = argument(
        [], help="Labels that each of its nodes must have.", max_length=32, group="Nodes"
    )


class Cause(Resource):
    """Why a job ended as it did."""

    code: Literal[
        "finished",
        "error",
        "signal",
        "out-of-memory",
        "disk-full",
        "stopped",
        "lost",
        "not-started",
        "registration",
        "stalled",
        "not-a-number",
        "bad-data",
        "dependency",
        "node-lost",
    ]
    message: str
    rank: int | None = Field(None, description="The rank that failed first.")
    last_lines: list[str] = Field(default_factory=list, description="The end of that rank's log.")


class Progress(Resource):
    """How far a running job is."""

    fraction: float = Field(0.0, ge=0, le=1)
    eta_seconds: float | None = None
    metrics: dict[str, float | None] = Field(
        default_factory=dict, description="The newest value of each curve; None for NaN."
    )


class Place(Resource):
    """Ranks of a job on one node."""

    node: str
    ranks: int


class NodePlace(Place):
    """The same, with what its launcher must know of the node.

    ``argv`` is the command that runs the node's agent there with our stdin and stdout; whoever
    gives it is the back-end of the cluster.
    """

    address: str = Field(description="Where the ranks of other nodes reach its ranks.")
    argv: list[str]
    python: str
    folder: str = Field("", description="Where jobs work there; empty: below the user's home.")


class Source(Resource):
    """Own code, as it travels: a zip archive whose ``manifest.json`` says what is in it."""

    digest: str = Field(description="SHA-256 of the archive.")
    kind: Literal["function", "script"] = Field(
        description="function: the archive's code defines train(run); script: it is run as it is."
    )
    entry: str = Field(description="The file in the archive that is run.")
    arguments: list[str] = Field(default_factory=list, description="What a script is given.")
    files: list[str] = Field(default_factory=list, description="The names of all that travels.")
    size_bytes: int = 0


class Job(Resource):
    """A job."""

    id: str
    name: str
    owner: str
    tenant: str
    state: JobState
    cause: Cause | None = None
    engine: Engine
    np: int
    dataset: str = Field("", description="name@version; empty when own code reads none.")
    algorithm: str = Field(description="What is trained; 'code' for own code.")
    params: dict[str, Any]
    seed: int
    options: JobOptions = Field(default_factory=lambda: JobOptions())
    source: Source | None = Field(None, description="Own code that it runs.")
    start: Literal["warm", "cold"] | None = Field(
        None, description="warm: its ranks were forked from a process that had imported all."
    )
    restarts: int = Field(0, description="How often its ranks were started again.")
    cluster_id: str = Field("", description="The cluster that it runs on; empty: this machine.")
    places: list[Place] = Field(default_factory=list, description="Where its ranks are.")
    warnings: list[str] = Field(
        default_factory=list, description="What a person should know of it: NaN, damaged rows."
    )
    created_at: UtcTime
    started_at: UtcTime | None = None
    ended_at: UtcTime | None = None
    progress: Progress = Progress()
    metrics: dict[str, float | None] = Field(
        default_factory=dict, description="Metrics on the held-out rows, at the end."
    )
    model: str | None = Field(None, description="name@version of the model it gave.")
    rerun_of: str | None = Field(None, description="Id of the job that it runs again.")
    resume: bool = Field(False, description="It began from that job's newest checkpoint.")

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_STATES


class JobWork(Request):
    """What a job trains: an algorithm on a dataset, or own code."""

    source: str | None = argument(
        None,
        help="Own code: a script (a Python file, its own arguments after --).",
        positional=True,
        file=True,
        max_length=1024,
        group="Own code",
    )
    dataset: str | None = argument(
        None,
        help="The dataset to train on: name or name@version.",
        completes="datasets",
        max_length=128,
    )
    algorithm: str | None = argument(
        None, help="What to train.", completes="algorithms", max_length=64
    )
    name: str | None = argument(
        None,
        help="Name of the job and of its model; by default the dataset's.",
        pattern=NAME_PATTERN,
    )
    np: int = argument(1, help="Ranks (processes) to train on.", ge=1, le=4096)
    engine: Literal["auto", "single", "horovod", "torchrun"] = argument(
        "auto", help="auto: single for one rank, else horovod, else torchrun.", completes="engines"
    )
    label: str | None = argument(
        None, help="The column to learn; by default the dataset's label.", max_length=256
    )
    seed: int = argument(0, help="Seed of every random choice.", ge=0, le=2**31 - 1)


class JobCreate(JobOptions, JobWork):
    params: dict[str, JsonValue] = argument(
        {}, help="Hyperparameters of the algorithm; also as options: --epochs 20."
    )
    arguments: list[str] = argument(
        [], help="A script's own arguments (after --).", group="Own code"
    )


class JobRef(Request):
    job: str = argument(
        help="Id, or name (then its newest job).", positional=True, completes="jobs", max_length=128
    )


class JobRerun(JobRef):
    np: int | None = argument(None, help="Ranks; by default as before.", ge=1, le=4096)
    engine: Literal["auto", "single", "horovod", "torchrun"] | None = argument(
        None, help="By default as before.", completes="engines"
    )
    seed: int | None = argument(None, help="By default as before.", ge=0, le=2**31 - 1)
    name: str | None = argument(None, help="By default as before.", pattern=NAME_PATTERN)
    resume: bool = argument(False, help="Begin from its newest checkpoint.")
    params: dict[str, JsonValue] = argument(
        {}, help="Hyperparameters that differ; also as options: --epochs 20."
    )


class Packages(Resource):
    """The environment that a job ran in: its packages with their versions, under one digest."""

    digest: str
    python: str
    packages: dict[str, str]


class CodeItem(Resource):
    """One thing that travelled with own code."""

    name: str
    kind: str
    size_bytes: int = 0
    origin: str = ""


class Commit(Resource):
    """The git commit that own code lay under, and what was changed since."""

    commit: str
    branch: str = ""
    changed: list[str] = Field(default_factory=list, description="As git status tells it.")
    diff: str = Field("", description="Of the files that git tracks.")
    note: str = ""


class JobInputs(Resource):
    """All that a job was made from."""

    job: str
    algorithm: str
    dataset: str
    dataset_digest: str
    label: str
    params: dict[str, Any]
    seed: int
    np: int
    engine: Engine
    source: Source | None = None
    code: str = Field("", description="The text of the cell, function or script that it ran.")
    items: list[CodeItem] = Field(default_factory=list, description="What travelled with it.")
    repository: Commit | None = None
    environment: Packages | None = Field(None, description="None while it has not begun.")


class Artifact(Resource):
    """A file that a job's own code left in its work folder."""

    path: str
    size_bytes: int
    modified_at: UtcTime


class Artifacts(Resource):
    """The files that a job left."""

    items: list[Artifact]


class JobDownload(JobRef):
    path: str = argument(
        help="The file, as jobs artifacts lists it.", positional=True, min_length=1, max_length=1024
    )


class ArtifactContent(Resource):
    """Stands for the bytes of a file that a job left."""


class JobList(PageRequest):
    state: JobState | Literal["active"] | None = argument(
        None, help="Only jobs in this state; active: all that have not ended."
    )


class JobLogs(JobRef):
    rank: int | None = argument(None, help="Only this rank; -1 is the launcher.", ge=-1, le=4096)
    cursor: str = argument(
        "", help="From the answer before: only what came after.", max_length=4096
    )
    limit_bytes: int = argument(200_000, help="Bytes to answer at most.", ge=1, le=4_000_000)


class LogChunk(Resource):
    """A stretch of a job's log. Ranks are merged by line, each led by ``[rank]``."""

    text: str
    cursor: str = Field(description="Ask with this cursor to get what comes after.")
    end: bool = Field(description="Whether the job has ended and nothing comes after.")


class Series(Resource):
    """Points of one curve, column-wise; all lists have the same length."""

    tag: str
    steps: list[int]
    times: list[float] = Field(description="Seconds since the epoch.")
    values: list[float | None] = Field(description="None where the value is NaN or infinite.")
    missing: list[Missing] = Field(
        default_factory=list, description="What each None of the values is, in their order."
    )


class Gap(Resource):
    """A damaged stretch of an event file; what came after it was read again."""

    offset: int
    size_bytes: int


class JobMetrics(JobRef):
    cursor: str = argument("", help="From the answer before: only newer points.", max_length=64)
    max_points: int | None = argument(
        None,
        help="Points a curve at most; what is left out keeps every peak and gap.",
        ge=8,
        le=1_000_000,
    )


class Curves(Resource):
    """The curves of a job since a cursor."""

    series: list[Series]
    gaps: list[Gap] = []
    cursor: str


class JobAttach(JobRef):
    cursor: str = argument("", help="From the answer before; empty: everything.", max_length=4096)
    wait_seconds: float = argument(
        0.0, help="Wait so long for something new before answering.", ge=0, le=30
    )
    max_points: int | None = argument(
        None,
        help="Points a curve at most; what is left out keeps every peak and gap.",
        ge=8,
        le=1_000_000,
    )


class JobUpdate(Resource):
    """All that is new of a job since a cursor: its state, points of its curves, its log."""

    job: Job
    series: list[Series]
    gaps: list[Gap] = Field([], description="All that are known, when there is a new one.")
    log: str
    cursor: str
    end: bool = Field(description="Whether nothing more will come.")


class Blocker(Resource):
    """One thing that keeps a job from starting."""

    kind: Literal["slots", "nodes", "quota", "dependency", "priority"]
    message: str


class Why(Resource):
    """Why a job waits, and until when."""

    job: str
    name: str
    state: JobState
    position: int | None = Field(None, description="Its place in the queue, from 1.")
    waiting: int = Field(0, description="How many jobs wait.")
    blockers: list[Blocker] = []
    starts_in_seconds: float | None = Field(
        None, description="When it should start, if jobs run as long as ones like them did."
    )
    expected_seconds: float | None = Field(None, description="How long it should run.")


class JobSpec(Resource):
    """What a job's processes read (``spec.json`` in the job's folder)."""

    id: str
    name: str
    engine: Engine
    np: int
    algorithm: str
    params: dict[str, Any] = Field(description="All hyperparameters, defaults filled in.")
    seed: int
    options: JobOptions = Field(default_factory=lambda: JobOptions())
    source: Source | None = Field(None, description="Own code, unpacked in ``source/``.")
    dataset: str = Field("", description="name@version")
    dataset_digest: str = ""
    dataset_path: str = Field("", description="The Arrow file, on this node.")
    label: str = ""
    python: str = Field(description="The interpreter of the job's environment.")
    places: list[NodePlace] = Field(
        default_factory=list, description="Its nodes, in the order of ranks; none: this machine."
    )


OPERATIONS = (
    Operation(
        name="jobs.submit",
        method="POST",
        path="/jobs",
        short="train",
        request=JobCreate,
        response=Job,
        permission="jobs:create",
        open_field="params",
        help="Train a model as a job, on one or several ranks.",
        examples=(
            "train --dataset digits --algorithm classification --np 2",
            "train --dataset digits --algorithm classification --engine torchrun --epochs 20",
        ),
    ),
    Operation(
        name="jobs.list",
        method="GET",
        path="/jobs",
        short="jobs",
        request=JobList,
        response=Page[Job],
        permission="jobs:read",
        help="List the jobs, newest first.",
        examples=("jobs list", "jobs list --state active"),
    ),
    Operation(
        name="jobs.show",
        method="GET",
        path="/jobs/{job}",
        request=JobRef,
        response=Job,
        permission="jobs:read",
        help="Show a job: state, cause, metrics, the model it gave.",
        examples=("jobs show digits",),
    ),
    Operation(
        name="jobs.why",
        method="GET",
        path="/jobs/{job}/why",
        short="why",
        request=JobRef,
        response=Why,
        permission="jobs:read",
        help="Say why a job waits: its place, what keeps it, when it should start.",
        examples=("why digits",),
    ),
    Operation(
        name="jobs.logs",
        method="GET",
        path="/jobs/{job}/logs",
        short="logs",
        request=JobLogs,
        response=LogChunk,
        permission="jobs:read",
        help="Read a job's log, merged or of one rank.",
        examples=("logs digits", "logs digits --rank 1"),
    ),
    Operation(
        name="jobs.metrics",
        method="GET",
        path="/jobs/{job}/metrics",
        short="curves",
        request=JobMetrics,
        response=Curves,
        permission="jobs:read",
        help="Read the curves of a job.",
        examples=("curves digits",),
    ),
    Operation(
        name="jobs.stop",
        method="POST",
        path="/jobs/{job}/stop",
        short="stop",
        request=JobRef,
        response=Job,
        permission="jobs:stop",
        help="Stop a job and every process of it.",
        examples=("stop digits",),
    ),
    Operation(
        name="jobs.attach",
        method="GET",
        path="/jobs/{job}/attach",
        short="attach",
        request=JobAttach,
        response=JobUpdate,
        permission="jobs:read",
        help="Follow a job: all of its state, curves and log so far, then what is new.",
        examples=("attach digits",),
    ),
    Operation(
        name="jobs.rerun",
        method="POST",
        path="/jobs/{job}/rerun",
        short="rerun",
        request=JobRerun,
        response=Job,
        permission="jobs:create",
        open_field="params",
        help="Run a job again from its kept inputs; a difference in them is named.",
        examples=("rerun digits", "rerun digits --np 2 --seed 1", "rerun digits --resume"),
    ),
    Operation(
        name="jobs.inputs",
        method="GET",
        path="/jobs/{job}/inputs",
        short="inputs",
        request=JobRef,
        response=JobInputs,
        permission="jobs:read",
        help="Show what a job was made from: code, git commit, environment, dataset, seed.",
        examples=("inputs digits",),
    ),
    Operation(
        name="jobs.artifacts",
        method="GET",
        path="/jobs/{job}/artifacts",
        request=JobRef,
        response=Artifacts,
        permission="jobs:read",
        help="List the files that a job's own code left in its work folder.",
        examples=("jobs artifacts digits",),
    ),
    Operation(
        name="jobs.download",
        method="GET",
        path="/jobs/{job}/artifact",
        request=JobDownload,
        response=ArtifactContent,
        permission="jobs:read",
        reply="bytes",
        help="Download a file that a job's own code left.",
        examples=("jobs download digits results.csv --output results.csv",),
    ),
)
