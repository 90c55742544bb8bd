"""Runs that no job has: a notebook or a script starts one, sends what it logs, and ends it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from aimass_jupyter.contract.base import NAME_PATTERN, Name, Request, Resource, Tag, argument
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.runs import Run, RunRef

MAX_PARAMS = 500


class RunStart(Request):
    name: Name = argument(help="What the run is called.", positional=True)
    experiment: str | None = argument(
        None, help="The experiment that it belongs to; by default its name.", pattern=NAME_PATTERN
    )
    tags: list[Tag] = argument([], help="Its tags.", max_length=32)
    notes: str = argument("", help="Notes on it.", max_length=10_000)
    params: dict[str, JsonValue] = argument(
        {}, help="What it is made with; also as options: --lr 0.1.", max_length=MAX_PARAMS
    )


class RunParams(RunRef):
    params: dict[str, JsonValue] = argument(
        {}, help="Parameters to add, or to change; also as options: --lr 0.1.",
        max_length=MAX_PARAMS,
    )  # fmt: skip


class RunAppend(RunRef):
    filename: str = argument(
        "", help="A TensorBoard event file of this machine; its bytes are sent.", positional=True,
        max_length=255,
    )  # fmt: skip
    offset: int = argument(
        0, ge=0,
        help="Where in the run's events the bytes belong; what is there is not taken twice.",
    )  # fmt: skip


class RunEnd(RunRef):
    state: Literal["succeeded", "failed", "stopped"] = argument(
        "succeeded", help="How it ended.", positional=True
    )
    message: str = argument("", help="Why, in a line.", max_length=2000)


class RunReceived(Resource):
    """How far the events of a run are kept by the control plane, safe on its disk."""

    run: str
    received_bytes: int = Field(description="Bytes of its events, from the beginning.")


OPERATIONS = (
    Operation(
        name="runs.start",
        method="POST",
        path="/runs",
        request=RunStart,
        response=Run,
        permission="runs:create",
        open_field="params",
        help="Start a run without a job: for what a notebook or another program tracks itself.",
        examples=("runs start digits-by-hand --experiment digits --lr 0.1",),
    ),
    Operation(
        name="runs.append",
        method="PUT",
        path="/runs/{run}/events",
        request=RunAppend,
        response=RunReceived,
        permission="runs:create",
        body="bytes",
        safe=True,
        help="Send events of a run that you started. A file that has grown may be sent again: "
        "what is there is not taken twice. A run that nothing is heard of is taken for lost.",
        examples=("runs append digits-by-hand events.out.tfevents.1",),
    ),
    Operation(
        name="runs.params",
        method="PATCH",
        path="/runs/{run}/params",
        request=RunParams,
        response=Run,
        permission="runs:create",
        open_field="params",
        help="Add parameters to a run that you started.",
        examples=("runs params digits-by-hand --lr 0.05",),
    ),
    Operation(
        name="runs.end",
        method="POST",
        path="/runs/{run}/end",
        request=RunEnd,
        response=Run,
        permission="runs:create",
        help="End a run that you started.",
        examples=("runs end digits-by-hand", 'runs end digits-by-hand failed --message "too slow"'),
    ),
)
