"""Own code as a job: the same function on every engine, scripts as they are, kept and run again."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import Forbidden, InvalidRequest, NotFound
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.source.inline import MAX_INLINE_BYTES, as_text
from aimass_jupyter.source.manifest import Manifest
from tests.conftest import Server

TRAIN = """
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

class Endless(IterableDataset):
    def __iter__(self):
        return iter([[0, 1], [0, 2], [1, 2], [3, 3]])

def words(run):
    bags = nn.EmbeddingBag(5, 2, sparse=True)
    optimizer = torch.optim.SparseAdam(bags.parameters(), lr=0.1)
    loader = DataLoader(Endless(), batch_size=2, collate_fn=torch.tensor)
    bags, optimizer, loader = run.distribute(bags, optimizer, loader)
    before = bags.weight.detach().clone()
    for ids in loader:
        optimizer.zero_grad()
        bags(ids).sum().backward()
        optimizer.step()
    moved = (bags.weight != before).any(1).int().tolist()
    print("moved", moved, "alike", run.average(bags.weight.sum()) == float(bags.weight.sum()))
    try:
        optimizer.step(lambda: None)
    except Exception as refused:
        print(refused)

def net(width, classes):
    return nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, classes))

def train(run):
    inputs, targets = run.dataset.tensors()
    model = net(inputs.shape[1], 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=run.params.lr)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=31, shuffle=True)
    model, optimizer, loader = run.distribute(model, optimizer, loader)
    step = run.resume(model=model, optimizer=optimizer)
    print("begins with", step, "of", run.size, run.restored)
    for epoch in range(run.params.get("epochs", 2)):
        for batch, wanted in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), wanted)
            loss.backward()
            optimizer.step()
            run.log(step, loss_own=loss)
            step += 1
        run.checkpoint(step, model=model, optimizer=optimizer, epoch=epoch)
    with torch.no_grad():
        whole = nn.functional.cross_entropy(model(inputs), targets)
    run.log(step, loss=run.average(whole), norm=sum(p.norm() for p in model.parameters()))
    if run.rank == 0:
        (run.work / "notes.txt").write_text("left behind")
    run.register(model)
    words(run)
"""


def function(text: str, name: str = "cell.py") -> bytes:
    """A package of a function, as a client would make it, without a notebook."""
    manifest = Manifest(kind="function", entry=name)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", manifest.model_dump_json())
        archive.writestr(f"code/{name}", text)
    return content.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _dataset(client: Client) -> None:
    client.datasets.import_("iris")


@pytest.fixture
def submit(client: Client) -> Callable[..., Job]:
    def make(text: str = TRAIN, **arguments: Any) -> Job:
        source = client.upload_content("own.zip", function(text))
        job: Job = client.jobs.submit(source=source, **arguments)
        return job

    return make


def ended(client: Client, job: Job, state: str = "succeeded") -> Job:
    found = client.wait(job.id)
    assert found.state == state, (found.cause, client.jobs.logs(job.id).text)
    return found


@pytest.fixture(scope="module")
def by_engine(client: Client) -> dict[str, Job]:
    """The same function, run once on each engine."""
    found = {}
    for engine, np in (("single", 1), ("horovod", 2), ("torchrun", 2)):
        source = client.upload_content("own.zip", function(TRAIN))
        job = client.jobs.submit(
            source=source, dataset="iris", engine=engine, np=np, name=f"own-{engine}",
            params={"lr": 0.01},
        )  # fmt: skip
        found[engine] = ended(client, job)
    return found


@pytest.mark.slow
def test_a_function_learns_the_same_on_every_engine(by_engine: dict[str, Job]) -> None:
    alone = by_engine["single"].metrics
    for engine in ("horovod", "torchrun"):
        metrics = by_engine[engine].metrics
        assert metrics["loss"] == pytest.approx(alone["loss"], rel=1e-4)
        assert metrics["norm"] == pytest.approx(alone["norm"], rel=1e-4)


@pytest.mark.slow
def test_loaders_without_a_length_and_sparse_gradients_are_shared_out(
    client: Client, by_engine: dict[str, Job]
) -> None:
    for job in by_engine.values():
        text = client.jobs.logs(job.id).text
        assert text.count("moved [1, 1, 1, 1, 0] alike True") == job.np, text
        refused = text.count("SparseAdam.step(closure) makes its gradients where ranks cannot")
        assert refused == (job.np if job.np > 1 else 0), text


def test_a_small_package_travels_with_its_request_and_a_large_one_before_it(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, upload = [], Client.upload_content
    monkeypatch.setattr(
        Client, "upload_content", lambda *what: sent.append(what[1]) or upload(*what)
    )
    script = tmp_path / "small.py"
    script.write_text("print('ran')")
    jobs = [client.train(script) for _ in range(2)]
    assert jobs[0].source == jobs[1].source
    assert sent == []
    ended(client, jobs[0])
    (tmp_path / "large.bin").write_bytes(os.urandom(MAX_INLINE_BYTES))
    large = client.train(script, files=[tmp_path / "large.bin"])
    assert sent == ["small.zip"]
    ended(client, large)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("data:text/plain,x", "is no package of own code"),
        ("data:application/zip;base64,UEsDB", "cannot be read"),
        (as_text(b"PK"), "it is no zip file"),
        (as_text(b"print()"), "it is no zip file"),
    ],
)
def test_text_that_is_no_package_is_refused(client: Client, source: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        client.jobs.submit(source=source)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_run_again_it_gives_the_same_to_the_last_bit(
    client: Client, by_engine: dict[str, Job], engine: str
) -> None:
    first = by_engine[engine]
    again = ended(client, client.jobs.rerun(first.id))
    assert again.metrics == first.metrics
    assert again.rerun_of == first.id
    assert again.warnings == []
    assert curve(client, again) == curve(client, first)
    assert again.source == first.source


def curve(client: Client, job: Job) -> list[float | None]:
    series = client.jobs.metrics(job.id).series
    return next(s.values for s in series if s.tag == "loss_own")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_an_algorithm_run_again_gives_the_same_to_the_last_bit(client: Client, engine: str) -> None:
    job = client.jobs.submit(
        dataset="iris", algorithm="classification", np=2, engine=engine, name="again",
        params={"epochs": 2}, seed=5,
    )  # fmt: skip
    first, again = ended(client, job), ended(client, client.jobs.rerun(job.id))
    assert again.metrics == first.metrics
    assert (again.seed, again.params) == (5, first.params)


@pytest.mark.slow
def test_run_again_it_may_differ_and_go_on(client: Client, by_engine: dict[str, Job]) -> None:
    first = by_engine["horovod"]
    again = ended(client, client.jobs.rerun(first.id, np=1, params={"epochs": 1}, resume=True))
    assert again.engine == "horovod"
    assert (again.np, again.params) == (1, {"lr": 0.01, "epochs": 1})
    assert again.resume
    assert "begins with 10 of 1 {'epoch': 1}" in client.jobs.logs(again.id).text
    assert again.metrics["loss"] < first.metrics["loss"]


@pytest.mark.slow
def test_what_is_kept_of_it(client: Client, by_engine: dict[str, Job]) -> None:
    job = by_engine["single"]
    inputs = client.jobs.inputs(job.id)
    assert inputs.code == TRAIN
    assert inputs.environment.packages["torch"]
    assert inputs.dataset_digest == client.datasets.show("iris").latest.digest
    assert [item.path for item in client.jobs.artifacts(job.id).items] == ["notes.txt"]
    assert client.jobs.download(job.id, "notes.txt") == b"left behind"
    with pytest.raises(NotFound, match="left no file"):
        client.jobs.download(job.id, "../spec.json")


@pytest.mark.slow
def test_its_model_is_deployed_and_predicts(client: Client, by_engine: dict[str, Job]) -> None:
    job = by_engine["single"]
    assert job.model == "own-single@1"
    client.endpoints.deploy(model="own-single", name="own")
    try:
        row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
        answer = client.endpoints.predict("own", rows=[row])
        assert "setosa" in str(answer.model_dump())
    finally:
        client.endpoints.delete("own")


@pytest.mark.slow
def test_a_dry_run_does_one_step_and_leaves_nothing(
    client: Client, submit: Callable[..., Job]
) -> None:
    job = ended(client, submit(dataset="iris", np=2, params={"lr": 0.1}, dry_run=True, name="dry"))
    assert "one step was done" in client.jobs.logs(job.id).text
    assert job.model is None
    known = client.jobs.submit(
        dataset="iris", algorithm="classification", dry_run=True, name="dry", params={"epochs": 900}
    )
    assert ended(client, known).model is None
    with pytest.raises(NotFound):
        client.models.show("dry")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    x = 1\n    return x / 0", "cell line 3: ZeroDivisionError: division by zero"),
        ("    run.dataset.table.column('no')", "cell line 2: KeyError"),
        ("    run.distribute(3)", "cell line 2: run.distribute takes a torch model first"),
        ("    raise SystemExit('enough')", "ended with 'enough'"),
        ("    run.log(3, loss=float('nan'))", "loss is nan at step 3"),
    ],
)
def test_where_it_failed_is_told_in_its_own_lines(
    client: Client, submit: Callable[..., Job], body: str, said: str
) -> None:
    job = ended(client, submit(f"def train(run):\n{body}\n", dataset="iris"), "failed")
    assert job.cause
    assert said in job.cause.message
    text = client.jobs.logs(job.id).text
    assert "aimass_jupyter/training/own_code.py" not in text


HOROVOD = """
import sys, torch, horovod.torch as hvd
from torch.utils.tensorboard import SummaryWriter
hvd.init()
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())
hvd.broadcast_parameters(model.state_dict(), root_rank=0)
writer = SummaryWriter("curves") if hvd.rank() == 0 else None
for step in range(3):
    optimizer.zero_grad()
    loss = model(torch.ones(4, 2)).pow(2).mean()
    loss.backward()
    optimizer.step()
    if writer:
        writer.add_scalar("loss", loss.item(), step)
if writer:
    writer.close()
    open("out.txt", "w").write(" ".join(sys.argv[1:]))
print("size", hvd.size())
"""
BESIDE = """
import os
from pathlib import Path
here = Path(__file__).resolve().parent
said = (here / "known" / "words.txt").read_text()
assert Path("known/words.txt").exists() and Path("words.py").exists()
(here / f"left-{os.environ['RANK']}.txt").write_text(said)
"""
TORCHRUN = """
import os, torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
dist.init_process_group("gloo")
model = DistributedDataParallel(torch.nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    (model(torch.ones(4, 2)) - int(os.environ["LOCAL_RANK"])).pow(2).mean().backward()
    optimizer.step()
print("size", dist.get_world_size())
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_a_script_for_horovodrun_runs_as_it_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / "hv.py").write_text(HOROVOD)
    path = tmp_path / "hv.py"
    job = ended(
        client, client.jobs.submit(path, np=2, engine="horovod", arguments=["--own", "a b"])
    )
    assert job.name == "hv"
    assert "size 2" in client.jobs.logs(job.id).text
    assert client.jobs.download(job.id, "out.txt") == b"--own a b"
    (series,) = client.jobs.metrics(job.id).series
    assert (series.tag, series.steps) == ("loss", [0, 1, 2])
    assert job.metrics["loss"] == pytest.approx(series.values[-1])


@pytest.mark.slow
def test_a_script_for_torchrun_runs_as_it_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / "ddp.py").write_text("import words\n" + TORCHRUN)
    (tmp_path / "words.py").write_text(BESIDE)
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "words.txt").write_text("seven")
    job = client.train(tmp_path / "ddp.py", np=2, engine="torchrun", files=["known"])
    job = ended(client, job)
    assert client.jobs.logs(job.id).text.count("size 2") == 2
    left = [item.path for item in client.jobs.artifacts(job.id).items]
    assert left == ["known/words.txt", "left-0.txt", "left-1.txt"]
    assert client.jobs.download(job.id, "left-1.txt") == b"seven"
    with pytest.raises(NotFound, match=r"left no file .ddp\.py."):
        client.jobs.download(job.id, "ddp.py")


@pytest.mark.slow
def test_a_bare_script_is_an_upload_too(client: Client) -> None:
    source = client.upload_content(
        "bare.py",
        b"import sys\nprint('args', sys.argv[1:])\n",
    )
    job = ended(client, client.jobs.submit(source=source, arguments=["x"]))
    assert "args ['x']" in client.jobs.logs(job.id).text
    assert job.source.kind == "script"


@pytest.mark.parametrize(
    ("arguments", "said", "cure"),
    [
        ({"np": 4000}, "--np 4000 is more than", "slots"),
        ({"np": 151, "engine": "torchrun"}, "", ""),
        ({"dataset": "irsi"}, "no dataset 'irsi'", "iris"),
        ({"algorithm": "classification"}, "own code and algorithm", "leave one"),
        ({"arguments": ["x"]}, "is for a script", "--lr"),
        ({"params": {"batch_size": 1}, "np": 2}, "--batch-size 1 leaves ranks", "or fewer ranks"),
        ({"engine": "single", "np": 2}, "'single' runs one rank", "--engine"),
    ],
)
def test_a_wrong_request_is_refused(
    submit: Callable[..., Job], arguments: dict[str, Any], said: str, cure: str
) -> None:
    with pytest.raises((InvalidRequest, NotFound)) as raised:
        submit(**{"dataset": "iris"} | arguments)
    assert said in raised.value.message
    assert cure in raised.value.hint


@pytest.mark.parametrize(
    ("uses", "dataset", "said"),
    [
        ({"modules": "nothing_like_it"}, "iris", "cell line 4: there is no module"),
        ({"columns": "petal"}, "iris", "cell line 4: dataset 'iris' has no column 'petal'"),
        ({"params": "lr"}, "iris", "cell line 4: option '--lr' is not given"),
        ({"dataset": "dataset"}, None, "cell line 4: run.dataset is read, and no dataset"),
    ],
)
def test_what_a_manifest_says_is_checked_where_jobs_run(
    client: Client, uses: dict[str, str], dataset: str | None, said: str
) -> None:
    told = {kind: [{"name": name, "line": 4, "where": "cell"}] for kind, name in uses.items()}
    manifest = Manifest.model_validate({"kind": "function", "entry": "cell.py", "uses": told})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", manifest.model_dump_json())
        archive.writestr("code/cell.py", "def train(run): pass")
    source = client.upload_content("own.zip", content.getvalue())
    with pytest.raises(InvalidRequest) as raised:
        client.jobs.submit(source=source, dataset=dataset)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.zip", b"PK\x03\x04nothing"), ("a.bin", b"\x00\x01"), ("a.py", b"def")],
)
def test_an_upload_that_is_no_code_is_refused(client: Client, name: str, content: bytes) -> None:
    with pytest.raises(InvalidRequest):
        client.jobs.submit(source=client.upload_content(name, content))
    with pytest.raises(InvalidRequest, match="is no upload"):
        client._exchange("POST", "/jobs", json={"source": "/etc/passwd"})


def test_who_may_only_look_runs_nothing(client: Client, server: Server) -> None:
    token = client.tokens.create(name="looks", role="viewer").value
    with Client(Address(server.url, token)) as viewer:
        with pytest.raises(Forbidden):
            viewer.upload_content("a.py", b"print(1)")
        with pytest.raises(Forbidden):
            viewer.jobs.rerun("own-single")


@pytest.mark.slow
def test_a_difference_in_what_it_was_made_from_is_named(own_server: Server) -> None:
    with own_server.client() as client:
        client.datasets.import_("iris", name="flowers")
        source = client.upload_content("own.zip", function("def train(run): len(run.dataset)"))
        job = ended(client, client.jobs.submit(source=source, dataset="flowers"))
        folder = own_server.folder / "jobs" / job.id
        record = (folder / "environment.json").read_text()
        version = client.jobs.inputs(job.id).environment.packages["numpy"]
        old = record.replace(f'"numpy": "{version}"', '"numpy": "1.0"').replace(
            '"digest": "', '"digest": "0'
        )
        (folder / "environment.json").write_text(old)
        again = ended(client, client.jobs.rerun(job.id))
        assert f"numpy 1.0 → {version}" in again.warnings[0]
        client.datasets.delete("flowers")
        with pytest.raises(NotFound, match="dataset 'flowers@1' was deleted"):
            client.jobs.rerun(job.id)
        with pytest.raises(InvalidRequest, match="left no checkpoint"):
            client.jobs.rerun(job.id, resume=True)
