"""The widgets against a real control plane: what their buttons do is done."""

from __future__ import annotations

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets import JobMonitor, ModelSelector
from aimass_jupyter.widgets.model_table import ModelTable


def test_a_monitor_made_from_an_id_shows_the_whole_job(client: Client, trained: Job) -> None:
    monitor = JobMonitor(trained.id, client=client)
    text = monitor.follow()
    assert text.job.state == "succeeded"
    assert {series.tag for series in text.series} >= {"loss/train", "accuracy/validation"}
    assert "succeeded" in monitor._repr_mimebundle_()[0]["text/plain"]
    monitor.close()


def test_promote_and_deploy_from_the_table(client: Client, trained: Job) -> None:
    table = ModelTable(client)
    table.act_now("promote", model="iris@1", alias="from-the-table")
    assert table.problem is None
    assert client.models.show("iris").aliases["from-the-table"] == 1
    table.act_now("deploy", model="iris@from-the-table")
    assert table.problem is None
    assert "iris@1 is ready at http://127.0.0.1:" in table.notice
    assert client.endpoints.show("iris").state == "ready"
    client.endpoints.delete("iris")


def test_what_is_refused_is_shown_beside_the_button(client: Client, trained: Job) -> None:
    table = ModelTable(client)
    table.act_now("promote", model="iris@99", alias="x")
    assert table.problem is not None
    assert "no version or alias '99'" in table.problem["message"]


def test_the_selector_knows_datasets_algorithms_and_models(client: Client, trained: Job) -> None:
    selector = ModelSelector(client=client)
    text = selector._repr_mimebundle_()[0]["text/plain"]
    assert "iris" in text
    selector.close()
