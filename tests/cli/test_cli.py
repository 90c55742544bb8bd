"""The command line as a person uses it: one line of error, a cure, an exit code, JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import OPERATIONS
from tests.conftest import Server


class Aimass:
    """Runs ``aimass`` against a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "aimass_jupyter.cli", *words],
            env=os.environ | {"AIMASS_DATA": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def aimass(server: Server) -> Aimass:
    return Aimass(server.folder)


def test_help_names_every_verb(aimass: Aimass) -> None:
    text = aimass("help")
    for operation in OPERATIONS:
        assert operation.verb in text
    words = " ".join(aimass("help", "train").split())
    assert "--epochs" in words
    assert "One of: classification, regression." in words
    assert "Update rule. One of: adamw, sgd. Default: adamw." in words
    assert "One of: loss, accuracy, f1, log_loss, r2, rmse, mae." in words
    assert "usage: aimass deploy" in aimass("deploy", "--help")


def test_every_answer_comes_as_json_too(aimass: Aimass, trained: Job) -> None:
    assert json.loads(aimass("jobs", "show", trained.id, "--json"))["state"] == "succeeded"
    assert json.loads(aimass("models", "--json"))["items"]
    assert json.loads(aimass("doctor", "--json"))["checks"]
    assert json.loads(aimass("whoami", "--json"))["role"] == "admin"


def test_train_waits_and_shows_the_log(aimass: Aimass, trained: Job) -> None:
    out = aimass(
        "train",
        "--dataset",
        "iris",
        "--algorithm",
        "classification",
        "--epochs",
        "2",
        "--name",
        "cli",
        "--wait",
    )
    assert "succeeded" in out
    assert "cli@1" in out
    assert "epoch 2/2" in aimass("logs", "cli")


def test_a_model_travels_as_a_file(aimass: Aimass, trained: Job, tmp_path: Path) -> None:
    path = tmp_path / "iris.aimass"
    aimass("models", "download", "iris@production", "--output", str(path))
    from aimass_jupyter.inference import load_bundle

    assert load_bundle(path).predict({name: [1.0] for name in _inputs(path)})["label"].shape == (1,)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["trian"], 2, "did you mean 'train'"),
        (["jobs", "show"], 2, "job"),
        (["jobs", "show", "nothing"], 1, "there is no job 'nothing'"),
        (["datasets", "import", "missing.csv"], 2, "there is no file"),
        (["datasets", "import", "https://example.org/a.csv"], 2, "is an address, a file is wanted"),
        (["datasets", "import", "digts"], 2, "did you mean 'digits'"),
        (["promote", "nothing"], 1, "there is no model 'nothing'"),
        (["deploy", "iris@nope"], 1, "no version or alias 'nope'"),
        (["train", "--dataset"], 2, "needs a value"),
        (["predict", "iris", "[{"], 2, "not JSON"),
        (["up", "--fast"], 2, "does not know '--fast'"),
        (["models", "download", "iris", "--output", "/nonexistent/x"], 2, "'/nonexistent/x'"),
        (["models", "download", "iris", "--output", "/"], 2, "cannot use '/'"),
        (["events", "stream", "--after", "abc"], 2, "after"),
        (["events", "stream", "--after", "-1"], 2, "after"),
        (["events", "--after", str(2**63)], 2, "after"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_cure(
    aimass: Aimass, trained: Job, words: list[str], code: int, said: str
) -> None:
    text = aimass(*words, code=code)
    assert said in text
    assert len(text.strip().splitlines()) <= 2


def test_a_data_folder_that_cannot_be_is_one_line_and_a_cure() -> None:
    text = Aimass(Path("/proc/nowhere/data"))("jobs", code=1)
    assert "/proc/nowhere" in text
    assert len(text.strip().splitlines()) == 2


def test_a_csv_of_ones_own(aimass: Aimass, tmp_path: Path) -> None:
    path = tmp_path / "fruit.csv"
    rows = [
        f"{n % 7},{'red' if n % 2 else 'green'},{'ripe' if n % 2 else 'raw'}" for n in range(60)
    ]
    path.write_text("\n".join(["weight,colour,state", *rows]))
    assert "state → classification" in aimass("datasets", "import", str(path), "--label", "state")
    out = aimass(
        "train", "--dataset", "fruit", "--algorithm", "classification", "--epochs", "30", "--wait"
    )
    assert "succeeded" in out


def test_up_and_down(tmp_path: Path) -> None:
    aimass = Aimass(tmp_path / "own")
    assert "http://127.0.0.1:" in aimass("up")
    assert aimass("up", "--json")
    assert "stopped" in aimass("down", "--all")
    assert "none was running" in aimass("down")


def _inputs(path: Path) -> list[str]:
    from aimass_jupyter.bundle import read_manifest

    return [tensor.name for tensor in read_manifest(path).signature.inputs]


def test_an_upload_sends_the_bytes_of_its_file(aimass: Aimass, tmp_path: Path) -> None:
    path = tmp_path / "five.csv"
    path.write_text("a,b\n")
    sent = json.loads(aimass("uploads", "create", "--filename", str(path), "--json"))
    assert (sent["filename"], sent["size_bytes"]) == ("five.csv", 4)
