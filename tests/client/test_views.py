"""How jobs are shown: whose they are, of what they failed, and memory in the units of --memory."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import listed, rows
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Cause, Job


def test_a_job_that_failed_says_whose_it_is_and_of_what() -> None:
    job = Job(
        id="job_1", name="hog", owner="ada", tenant="default", state="failed", engine="single",
        np=1, algorithm="code", params={}, seed=0, created_at=utc_now(),
        peak_memory_bytes=410 << 20, cause=Cause(code="out-of-memory", message="410 MB"),
    )  # fmt: skip
    shown = listed(job)
    assert (shown["state"], shown["owner"]) == ("failed: out-of-memory", "ada")
    told = dict(rows(job))
    assert (told["owner"], told["memory"]) == ("ada", "410 MB a rank")
    more = job.model_copy(update={"peak_memory_bytes": 3 << 29})
    assert dict(rows(more))["memory"] == "1.5 GB a rank"
