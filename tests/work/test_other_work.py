"""Work without torch through the queue: each kind from its request to what it gives."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import InvalidRequest, NotFound
from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server

_SECOND_CELL = """\
import os
print('of', year)
1 / (year - 13)
if year == 14:
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that says its parameter, fails for 13, and kills its kernel for 14."""
    made = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell("year: int = 2000")
    parameters.metadata["tags"] = ["parameters"]
    made.cells = [parameters, nbformat.v4.new_code_cell(_SECOND_CELL)]
    path = tmp_path_factory.mktemp("notebooks") / "report.ipynb"
    nbformat.write(made, path)
    return path


def _ended(client: Client, job: Job, state: str = "succeeded") -> Job:
    ended = client.wait(job.id)
    assert ended.state == state, ended.cause
    return ended


def _texts(notebook: bytes) -> str:
    cells = nbformat.reads(notebook.decode(), as_version=4).cells
    outputs = [out for cell in cells if cell.cell_type == "code" for out in cell.outputs]
    return json.dumps(outputs)


def test_a_notebook_is_executed_and_kept_and_executed_again(client: Client, notebook: Path) -> None:
    with pytest.raises(InvalidRequest, match="declares no parameter 'yeer'"):
        client.jobs.execute(str(notebook), params={"yeer": 2024})
    job = client.jobs.execute(str(notebook), params={"year": 2024})
    assert (job.kind, job.slots, job.name) == ("notebook", 0.5, "report")
    job = _ended(client, job)
    assert job.result == "report.ipynb"
    assert "of 2024" in _texts(client.jobs.download(job.id, job.result))
    assert "cell 2" in client.jobs.logs(job.id).text
    again = _ended(client, client.jobs.rerun(job.id, params={"year": 13}), "failed")
    assert again.cause is not None
    assert "ZeroDivisionError" in again.cause.message
    assert "of 13" in _texts(client.jobs.download(again.id, "report.ipynb"))
    killed = _ended(client, client.jobs.rerun(job.id, params={"year": 14}), "failed")
    assert killed.cause is not None
    assert "cell 3: the kernel died" in killed.cause.message  # the second is what was set
    assert {job.id, again.id} <= {one.id for one in client.jobs.list(kind="notebook").items}


def test_a_model_is_evaluated_on_a_dataset(client: Client, trained: Job) -> None:
    job = _ended(client, client.jobs.evaluate("iris@production", dataset="iris"))
    assert set(job.metrics) == {"accuracy", "f1", "log_loss"}
    report = json.loads(client.jobs.download(job.id, "evaluation.json"))
    assert report["rows"] == 150
    assert report["metrics"] == job.metrics
    assert sum(map(sum, report["confusion"])) == 150
    right = sum(report["confusion"][number][number] for number in range(3))
    assert job.metrics["accuracy"] == pytest.approx(right / 150)
    client.datasets.import_("wine")
    failed = _ended(client, client.jobs.evaluate("iris", dataset="wine"), "failed")
    assert failed.cause is not None
    assert "which model 'iris@" in failed.cause.message
    with pytest.raises(NotFound, match="nothing"):
        client.jobs.evaluate("nothing", dataset="iris")


def test_datasets_and_models_are_exported(client: Client, trained: Job, tmp_path: Path) -> None:
    jobs = {
        kind: client.jobs.export("iris@1", format=kind)
        for kind in ("csv", "parquet", "jsonl", "arrow")
    }
    jobs |= {
        kind: client.jobs.export(model="iris@1", format=kind)
        for kind in ("bundle", "onnx", "safetensors")
    }
    files = {}
    for kind, job in jobs.items():
        ended = _ended(client, job)
        files[kind] = tmp_path / str(ended.result)
        files[kind].write_bytes(client.jobs.download(ended.id, ended.result))
    table = parquet.read_table(files["parquet"])
    assert csv.read_csv(files["csv"]).to_pydict() == table.to_pydict()
    lines = files["jsonl"].read_text().splitlines()
    assert [json.loads(line) for line in lines] == table.to_pylist()
    assert read_manifest(files["bundle"]).name == "iris"
    with pytest.raises(InvalidRequest, match="a model is not exported as csv"):
        client.jobs.export(model="iris", format="csv")
    with pytest.raises(InvalidRequest, match="either a dataset or a model"):
        client.jobs.export()


def test_an_import_is_a_job_whether_somebody_waits_or_not(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "towns.parquet"
    towns = {"town": ["a", "b"], "height": [1.5, math.nan], "people": [1, 2]}
    parquet.write_table(pa.table(towns), path)
    job = _ended(client, client.jobs.import_(str(path), label="people"))
    assert (job.kind, job.name, job.result) == ("import", "import-towns", "towns@1")
    found = client.datasets.show("towns").latest
    assert (found.job, found.label, found.rows) == (job.id, "people", 2)
    with pytest.raises(NotFound, match="kept only until it has ended"):
        client.jobs.rerun(job.id)
    export = _ended(client, client.jobs.export("towns", format="jsonl"))
    lines = client.jobs.download(export.id, export.result).splitlines()
    assert [json.loads(line)["height"] for line in lines] == [1.5, None]

    path = tmp_path / "towns.csv"
    path.write_text("town,people\na,1\nb\n")
    with pytest.raises(InvalidRequest):
        client.datasets.import_(str(path))
    newest: Any = client.jobs.list(kind="import").items[0]
    assert (newest.state, newest.attended) == ("failed", True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A machine of one slot, with two made-up GPUs."""
    server = Server(tmp_path_factory.mktemp("small") / "data")
    server.start("--AimassApp.slots=1", "--AimassApp.gpus=2", "--AimassApp.warm=False")
    with server.client() as client:
        yield client
    server.stop_everything()


def test_jobs_have_gpus_of_their_own_and_no_slot_keeps_an_import(
    small: Client, tmp_path: Path
) -> None:
    script = tmp_path / "look.py"
    script.write_text(
        "import os, time\nprint('sees', os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\n"
        "time.sleep(600)\n"
    )
    jobs = [
        small.train(str(script), name=f"look{number}", gpus=1, slots=0.5) for number in range(2)
    ]
    assert small.datasets.import_("iris").latest.rows == 150  # all slots are taken meanwhile
    seen = set()
    for job in jobs:
        update = small.jobs.attach(job.id)
        log = update.log
        while "sees" not in log:
            update = small.jobs.attach(job.id, cursor=update.cursor, wait_seconds=30)
            log += update.log
            assert not update.end, update.job.cause
        seen.add(log.partition("sees ")[2].split()[0])
    assert seen == {"0", "1"}
    for job in jobs:
        small.jobs.stop(job.id)
        small.wait(job.id)


def test_a_rank_that_takes_more_than_it_asked_for_is_ended(small: Client, tmp_path: Path) -> None:
    script = tmp_path / "eat.py"
    script.write_text(
        "import time\nheld = []\nfor _ in range(600):\n"
        "    held.append(bytearray(40 << 20))\n    time.sleep(0.2)\n"
    )
    ended = small.wait(small.train(str(script), memory="300MB", retries=2).id)
    assert ended.cause is not None
    assert ended.cause.code == "out-of-memory"
    assert "more than the 300 MB of --memory" in ended.cause.message
    assert ended.peak_memory_bytes is not None
    assert ended.peak_memory_bytes > 300 << 20
    assert not ended.attempts  # the same would happen again
    again = small.train(str(script))  # it says nothing of memory: what was seen counts
    assert small.jobs.why(again.id).memory_bytes == ended.peak_memory_bytes
    small.jobs.stop(again.id)
    small.wait(again.id)
