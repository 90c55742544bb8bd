"""Jobs: requests to run something. A job owns processes, logs, curves and checkpoints."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.job_kinds import Kind
from aimass_jupyter.contract.job_options import Engine, JobOptions

JobState = Literal[
    "queued", "starting", "running", "stopping", "succeeded", "failed", "stopped", "lost"
]
FINAL_STATES: frozenset[str] = frozenset({"succeeded", "failed", "stopped", "lost"})


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
        "time-limit",
        "preempted",
        "abandoned",
    ]
    message: str
    rank: int | None = Field(None, description="The rank that failed first.")
    last_lines: list[str] = Field(default_factory=list, description="The end of that rank's log.")


class Attempt(Resource):
    """One time that a job ran and went back into the queue."""

    started_at: UtcTime
    ended_at: UtcTime
    np: int
    cause: Cause
    restarts: int = Field(0, description="How often its ranks were started again meanwhile.")

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return (self.ended_at - self.started_at).total_seconds()


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
    devices: list[int] | None = Field(None, description="The GPUs there that are its own.")


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


class WorkInput(Resource):
    """The bytes that work other than training reads beside a dataset."""

    digest: str
    name: str = Field(description="What people call them: a file's name, or name@version.")
    upload: str = Field("", description="Id of the upload that they came as.")


class Job(Resource):
    """A job."""

    id: str
    name: str
    kind: Kind = Field("training", description="What is done.")
    owner: str
    tenant: str
    state: JobState
    cause: Cause | None = None
    engine: Engine
    np: int
    dataset: str = Field("", description="name@version; empty when own code reads none.")
    algorithm: str = Field(
        description="What is trained; 'code' for own code, empty for other work."
    )
    params: dict[str, Any]
    seed: int
    options: JobOptions = Field(default_factory=lambda: JobOptions())
    source: Source | None = Field(None, description="Own code that it runs.")
    input: WorkInput | None = Field(None, description="What other work reads beside a dataset.")
    attended: bool = Field(
        False, description="Somebody waits for its answer: it takes no slot of others."
    )
    start: Literal["warm", "cold"] | None = Field(
        None, description="warm: its ranks were forked from a process that had imported all."
    )
    restarts: int = Field(0, description="How often its ranks were started again.")
    attempts: list[Attempt] = Field(
        default_factory=list, description="The times that it ran before it was queued again."
    )
    not_before: UtcTime | None = Field(
        None, description="Queued again after a fault: it waits until then."
    )
    cluster_id: str = Field("", description="The cluster that it runs on; empty: this machine.")
    places: list[Place] = Field(default_factory=list, description="Where its ranks are.")
    devices: dict[str, list[int]] = Field(
        default_factory=dict,
        description="The GPUs that are its own while it runs, by node; '' is this machine.",
    )
    peak_memory_bytes: int | None = Field(
        None, description="The most memory that one of its ranks took."
    )
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
    result: str | None = Field(
        None, description="What other work gave: name@version of a dataset, or an artifact's name."
    )
    rerun_of: str | None = Field(None, description="Id of the job that it runs again.")
    resume: bool = Field(False, description="It began from that job's newest checkpoint.")

    @property
    def slots_each(self) -> float:
        """The slots that each of its ranks takes."""
        return 0.0 if self.attended else self.options.slots

    @property
    def slots(self) -> float:
        """The slots that it holds while it runs."""
        return self.np * self.slots_each

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_STATES


#: An upload's id; or a package of own code itself, as a ``data:`` address, when it is small.
MAX_SOURCE_TEXT = 352 * 1024


class JobWork(Request):
    """What a job trains: an algorithm on a dataset, or own code."""

    source: str | None = argument(
        None,
        help="Own code: a script (a Python file, its own arguments after --).",
        positional=True,
        file=True,
        max_length=MAX_SOURCE_TEXT,
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


class JobList(PageRequest):
    kind: Kind | None = argument(None, help="Only jobs that do this.")
    state: JobState | Literal["active"] | None = argument(
        None, help="Only jobs in this state; active: all that have not ended."
    )


class JobSpec(Resource):
    """What a job's processes read (``spec.json`` in the job's folder)."""

    id: str
    name: str
    kind: Kind = "training"
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
    input: WorkInput | None = None
    input_path: str = Field("", description="Its bytes, on this node.")
    devices: list[int] | None = Field(
        None, description="The GPUs that are its own on this machine; None: whichever are there."
    )
    python: str = Field(description="The interpreter of the job's environment.")
    places: list[NodePlace] = Field(
        default_factory=list, description="Its nodes, in the order of ranks; none: this machine."
    )
