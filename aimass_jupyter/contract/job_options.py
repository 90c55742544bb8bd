"""How a job runs, whatever it does: its turn, its faults, its run, its nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aimass_jupyter.contract.base import NAME_PATTERN, Request, Tag, argument
from aimass_jupyter.contract.quantities import Memory, Seconds, TimeOrFromNow

Engine = Literal["single", "horovod", "torchrun"]
Priority = Literal["low", "normal", "high", "urgent"]
NodesWanted = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[1-9][0-9]{0,3}$")]


class QueueOptions(Request):
    """Whose turn it is, and what is taken, whatever is done."""

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
    max_time: Seconds | None = argument(
        None,
        help="Time that it may run, such as 2h; then it is stopped with a checkpoint.",
        gt=0,
        le=366 * 86_400,
        group="Queue",
    )
    deadline: TimeOrFromNow | None = argument(
        None, help="When it should be done: 8h from now, or a time.", group="Queue"
    )
    retries: int = argument(
        0,
        help="How often it is queued again after a fault that is not its own.",
        ge=0,
        le=100,
        group="Queue",
    )
    slots: float = argument(
        1.0,
        help="Slots that each rank takes, in halves: 0.5 for work that needs little.",
        ge=0.5,
        le=4096,
        multiple_of=0.5,
        group="Queue",
    )
    memory: Memory | None = argument(
        None, help="Memory that each rank needs, such as 4GB.", le=1 << 50, group="Queue"
    )


class JobOptions(QueueOptions):
    """How a job runs, whatever it trains."""

    uninterrupted: bool = argument(
        False, help="Never stop it to make room for a more urgent one.", group="Queue"
    )
    gpus: int = argument(0, help="GPUs that each rank takes.", ge=0, le=64, group="Queue")
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
