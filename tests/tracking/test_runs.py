"""Runs and experiments: made with their jobs, found, ordered, tagged, compared, deleted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_jupyter.client.views import as_html, as_text
from aimass_jupyter.contract.errors import Conflict, Forbidden, InvalidRequest, NotFound
from aimass_jupyter.contract.runs import (
    ExperimentList,
    ExperimentRef,
    RunCompare,
    RunList,
    RunMetrics,
    RunNote,
    RunPrune,
    RunRef,
    RunTag,
    lower_is_better,
)
from aimass_server.upkeep import Retention
from tests.tracking.conftest import Tracking, call


def names(tracking: Tracking, **request: Any) -> list[str]:
    page = tracking.do(tracking.runs.list(call(), RunList(**request)))
    return [run.name for run in page.items]


def test_a_job_makes_a_run_with_its_experiment_tags_and_notes(tracking: Tracking) -> None:
    job = tracking.job(
        experiment="numbers", tags=["good", "<b>x</b>", "good"], notes="a note",
        params={"epochs": 3}, curves={"loss/train": [3.0, 1.0, math.nan]},
        metrics={"accuracy": 0.75},
    )  # fmt: skip
    run = tracking.do(tracking.runs.show(call(), RunRef(run=job.id)))
    assert (run.name, run.experiment, run.job, run.owner) == ("digits", "numbers", job.id, "ada")
    assert (run.tags, run.notes, run.state) == (["<b>x</b>", "good"], "a note", "succeeded")
    assert run.params["epochs"] == 3
    assert run.params["dataset"] == "d@1"
    assert run.metrics == {"accuracy": 0.75, "loss/train": None}
    assert run.best == {"accuracy": 0.75, "loss/train": 1.0}
    (experiment,) = tracking.do(tracking.experiments.list(call(), ExperimentList())).items
    assert (experiment.name, experiment.runs) == ("numbers", 1)
    assert experiment.newest_at == run.created_at
    tracking.job("digits")
    assert names(tracking, experiment="digits") == ["digits"]


def test_a_trial_step_makes_no_run(tracking: Tracking) -> None:
    tracking.job(dry_run=True)
    assert names(tracking) == []


def test_a_run_that_goes_on_shows_its_newest_values(tracking: Tracking) -> None:
    job = tracking.job(ended=None, curves={"loss/train": [3.0, 2.0], "progress/fraction": [0.5]})
    (run,) = tracking.do(tracking.runs.list(call(), RunList(state="active"))).items
    assert run.metrics == {"loss/train": 2.0}
    with pytest.raises(Conflict, match="is queued"):
        tracking.do(tracking.runs.delete(call(), RunRef(run=job.id)))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.sampled_from([None, math.nan, 0.5, 0.25, -1.0, 7.0]), max_size=8),
    limit=st.integers(1, 4),
    ascending=st.booleans(),
)
def test_pages_by_a_metric_hold_each_run_once_and_nan_comes_last(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float | None],
    limit: int,
    ascending: bool,
) -> None:
    tracking = Tracking(tmp_path_factory.mktemp("runs"))
    for number, value in enumerate(values):
        curves = {} if value is None else {"score": [value]}
        tracking.job(f"run-{number}", curves=curves)
    found, token = [], None
    while True:
        request = RunList(order_by="score", ascending=ascending, limit=limit, next_token=token)
        page = tracking.do(tracking.runs.list(call(), request))
        found += page.items
        token = page.next_token
        if token is None:
            break
        assert len(page.items) == limit
    tracking.close()
    assert len({run.id for run in found}) == len(found) == len(values)
    got = [run.metrics.get("score") for run in found]
    finite = [value for value in got if value is not None]
    assert got[: len(finite)] == sorted(finite, reverse=not ascending)
    rest = [run.name for run in found[len(finite) :]]
    assert rest == sorted(rest, reverse=True)


@pytest.mark.parametrize("token", ["x", "bnVsbA==", "WzEsMl0", "é"])
def test_a_token_that_is_not_ours_is_refused(tracking: Tracking, token: str) -> None:
    with pytest.raises(InvalidRequest, match="not one of ours"):
        names(tracking, next_token=token)


def test_a_metric_that_no_run_has_is_told_with_the_nearest(tracking: Tracking) -> None:
    assert names(tracking, order_by="acuracy") == []
    tracking.job(metrics={"accuracy": 0.5})
    with pytest.raises(InvalidRequest, match=r"no run has a metric 'acuracy'[\s\S]*'accuracy'"):
        names(tracking, order_by="acuracy")


def test_what_people_wrote_is_shown_as_text_everywhere(tracking: Tracking) -> None:
    html = "<img src=x onerror=alert(1)>"
    tracking.job(tags=[html], notes=html, params={html: html}, metrics={html: 0.5})
    tracking.job("other")
    page = tracking.do(tracking.runs.list(call(), RunList()))
    run = tracking.do(tracking.runs.show(call(), RunRef(run="digits")))
    compared = tracking.do(tracking.runs.compare(call(), RunCompare(runs=["digits", "other"])))
    pruned = tracking.do(tracking.runs.prune(call(), RunPrune(keep_newest=0, dry_run=True)))
    for answer in (page, run, compared, pruned):
        assert "<img" not in as_html(answer)
        assert "&lt;img" in as_html(answer)
        assert html in as_text(answer)
    assert "2 runs, would free" in as_text(pruned)


def test_runs_are_found_by_experiment_tag_state_and_words(tracking: Tracking) -> None:
    tracking.job("a", experiment="x", tags=["good"], notes="wide 50%_net")
    tracking.job("b", experiment="x", ended="failed")
    tracking.job("c", experiment="y", tags=["good", "bad"])
    assert names(tracking) == ["c", "b", "a"]
    assert names(tracking, experiment="x") == ["b", "a"]
    assert names(tracking, tag="good") == ["c", "a"]
    assert names(tracking, state="failed") == ["b"]
    assert names(tracking, search="50%_") == ["a"]
    assert names(tracking, search="%") == ["a"]
    assert names(tracking, experiment="x", tag="bad") == []


def test_tags_and_notes_are_text_and_change(tracking: Tracking) -> None:
    tracking.job()
    do, runs = tracking.do, tracking.runs
    html = "<img src=x onerror=alert(1)>"
    run = do(runs.tag(call(), RunTag(run="digits", add=["one", html, "one"])))
    assert run.tags == [html, "one"]
    run = do(runs.tag(call(), RunTag(run="digits", add=["two"], remove=["one", "absent"])))
    assert run.tags == [html, "two"]
    run = do(runs.note(call(), RunNote(run="digits", notes="<script>x</script>")))
    assert run.notes == "<script>x</script>"
    with pytest.raises(InvalidRequest, match="no tag was named"):
        do(runs.tag(call(), RunTag(run="digits")))
    with pytest.raises(InvalidRequest, match="would have 33 tags"):
        do(runs.tag(call(), RunTag(run="digits", add=[str(n) for n in range(31)])))
    assert do(runs.show(call(), RunRef(run="digits"))).tags == [html, "two"]


def test_only_the_owner_and_an_admin_change_a_run_and_a_tenant_sees_its_own(
    tracking: Tracking,
) -> None:
    tracking.job(owner="ada")
    do, runs = tracking.do, tracking.runs
    for work in (
        lambda who: runs.tag(who, RunTag(run="digits", add=["x"])),
        lambda who: runs.note(who, RunNote(run="digits", notes="x")),
        lambda who: runs.delete(who, RunRef(run="digits")),
        lambda who: tracking.experiments.delete(who, ExperimentRef(experiment="digits")),
    ):
        with pytest.raises(Forbidden, match="belongs to 'ada'"):
            do(work(call("eve")))
        with pytest.raises(NotFound):
            do(work(call("ada", tenant="other")))
    assert do(runs.show(call("eve", "viewer"), RunRef(run="digits"))).tags == []
    assert do(runs.tag(call("root", "admin"), RunTag(run="digits", add=["x"]))).tags == ["x"]
    assert do(runs.list(call("eve", tenant="other"), RunList())).items == []
    assert do(tracking.experiments.list(call(tenant="other"), ExperimentList())).items == []


def test_runs_are_compared(tracking: Tracking) -> None:
    curves = {"loss/train": [2.0, 1.0]}
    tracking.job("a", params={"epochs": 2, "rate": 0.1}, curves=curves, metrics={"accuracy": 0.5})
    tracking.job("b", params={"epochs": 3, "rate": 0.1, "l2": 1}, metrics={"accuracy": 0.75})
    found = tracking.do(tracking.runs.compare(call(), RunCompare(runs=["a", "b"])))
    assert found.params == {"epochs": [2, 3], "l2": [None, 1]}
    assert found.metrics == {"accuracy": [0.5, 0.75], "loss/train": [1.0, None]}
    assert found.best["loss/train"] == [1.0, None]
    assert [[s.tag for s in one.curves.series] for one in found.runs] == [["loss/train"], []]
    without = tracking.do(tracking.runs.compare(call(), RunCompare(runs=["a"], max_points=0)))
    assert without.runs[0].curves.series == []


def test_the_curves_of_a_run_are_thinned_when_asked_to_be(tracking: Tracking) -> None:
    tracking.job(curves={"loss/train": [float(n % 97) for n in range(5000)]})
    whole = tracking.do(tracking.runs.metrics(call(), RunMetrics(run="digits")))
    few = tracking.do(tracking.runs.metrics(call(), RunMetrics(run="digits", max_points=100)))
    assert len(whole.series[0].steps) == 5000
    assert 30 < len(few.series[0].steps) <= 100
    assert (min(few.series[0].values), max(few.series[0].values)) == (0.0, 96.0)


def test_deleting_frees_the_disk_and_the_job_stays_on_record(tracking: Tracking) -> None:
    job = tracking.job(curves={"loss/train": [1.0] * 100})
    folder = tracking.folder / "jobs" / job.id
    outside = tracking.folder / "outside"
    outside.write_bytes(b"kept")
    (folder / "link").symlink_to(outside)
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    done = tracking.do(tracking.runs.delete(call(), RunRef(run="digits")))
    assert done.freed_bytes == size > 4000
    assert not folder.exists()
    assert outside.read_bytes() == b"kept"
    with pytest.raises(NotFound, match="there is no run 'digits'"):
        tracking.do(tracking.runs.show(call(), RunRef(run="digits")))


def test_an_experiment_goes_with_its_runs(tracking: Tracking) -> None:
    tracking.job("a", experiment="x")
    tracking.job("b", experiment="x", ended=None)
    tracking.job("c", experiment="y")
    delete = tracking.experiments.delete
    with pytest.raises(Conflict, match="have not ended"):
        tracking.do(delete(call(), ExperimentRef(experiment="x")))
    assert names(tracking) == ["c", "b", "a"]
    assert tracking.do(delete(call(), ExperimentRef(experiment="y"))).freed_bytes > 0
    assert names(tracking) == ["b", "a"]


def prune(tracking: Tracking, **request: Any) -> list[str]:
    pruned = tracking.do(tracking.runs.prune(call(), RunPrune(**request)))
    assert pruned.freed_bytes > 0 or not pruned.runs
    return [run.name for run in pruned.runs]


def test_a_retention_takes_what_is_old_and_not_among_the_best(tracking: Tracking) -> None:
    for name, days, loss in (("a", 40, 0.1), ("b", 40, 0.9), ("c", 40, 0.5), ("d", 1, 9.0)):
        tracking.job(name, experiment="x", days_ago=days, curves={"loss/train": [loss]})
    tracking.job("e", experiment="y", days_ago=40)
    tracking.job("f", experiment="y", days_ago=40, tags=["keep"])
    tracking.job("g", experiment="x", ended=None)
    tracking.job("h", experiment="x", days_ago=40, owner="eve")
    rule: dict[str, Any] = {"older_than_days": 30, "keep_best": 1, "metric": "loss/train"}
    assert prune(tracking, **rule, dry_run=True) == ["e", "c", "b"]
    assert prune(tracking, **rule, dry_run=True) == ["e", "c", "b"]
    assert prune(tracking, **rule, experiment="x") == ["c", "b"]
    assert names(tracking) == ["h", "g", "f", "e", "d", "a"]
    assert prune(tracking, keep_newest=1) == ["e", "a"]
    pruned = tracking.do(tracking.runs.prune_everywhere(30, 0))
    assert [run.name for run in pruned.runs] == ["h"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [({}, "nothing says which"), ({"keep_best": 1}, "what makes a run the best")],
)
def test_a_retention_without_a_rule_takes_nothing(
    tracking: Tracking, request_: dict[str, Any], said: str
) -> None:
    tracking.job()
    with pytest.raises(InvalidRequest, match=said):
        prune(tracking, **request_)
    assert names(tracking) == ["digits"]


@pytest.mark.parametrize("metric", ["loss/train", "log_loss", "rmse", "mae/validation", "RMSE"])
def test_losses_and_errors_are_better_low(metric: str) -> None:
    assert lower_is_better(metric)


@pytest.mark.parametrize("metric", ["accuracy", "f1/validation", "r2", "schema", "normalise"])
def test_other_metrics_are_better_high(metric: str) -> None:
    assert not lower_is_better(metric)


def test_an_administrators_retention_is_off_until_it_is_set(tracking: Tracking) -> None:
    tracking.job("old", days_ago=40)
    tracking.job("new")
    tracking.do(Retention(tracking.runs, 0.0, 0).take())
    tracking.do(Retention(tracking.runs, 30.0, 10).take())
    assert names(tracking) == ["new", "old"]
    tracking.do(Retention(tracking.runs, 30.0, 1).take())
    assert names(tracking) == ["new", "old"]  # each is the newest of its experiment
    tracking.do(Retention(tracking.runs, 30.0, 0).take())
    assert names(tracking) == ["new"]
