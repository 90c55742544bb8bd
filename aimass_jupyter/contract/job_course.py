"""What a job says while it runs: its log, its curves, and all of it since a cursor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aimass_jupyter.contract.base import Resource, argument
from aimass_jupyter.contract.jobs import Job, JobRef

Missing = Literal["nan", "inf", "-inf"]


class JobLogs(JobRef):
    rank: int | None = argument(None, help="Only this rank; -1 is the launcher.", ge=-1, le=4096)
    cursor: str = argument(
        "", help="From the answer before: only what came after.", max_length=4096
    )
    limit_bytes: int = argument(200_000, help="Bytes to answer at most.", ge=1, le=4_000_000)
    from_byte: int | None = argument(
        None,
        help="From this byte of the rank's log on; -2000 is its last 2,000 bytes. Needs --rank.",
        ge=-(2**53),
        le=2**53,
    )
    grep: str | None = argument(
        None,
        help="Only lines that hold this text, each led by the byte at which it begins.",
        min_length=1,
        max_length=256,
    )
    regex: bool = argument(False, help="--grep is a regular expression (Python's).")
    ignore_case: bool = argument(False, help="--grep does not tell a from A.")


class LogChunk(Resource):
    """A stretch of a job's log. Ranks are merged by line, each led by ``[rank]``."""

    text: str
    cursor: str = Field(description="Ask with this cursor to get what comes after.")
    more: bool = Field(False, description="Whether more has been written than this.")
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
