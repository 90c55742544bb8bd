"""A replica as a process: asked over its socket, under load, stopped, and given nonsense."""

from __future__ import annotations

import json
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from aimass_jupyter.inference import load_bundle

RunningReplica = Any
Start = Callable[[Path], AbstractContextManager[RunningReplica]]

HOME = {
    "inputs": [
        {"name": "area", "shape": [1], "datatype": "FP64", "data": [80]},
        {"name": "sold", "shape": [1], "datatype": "BOOL", "data": [True]},
        {"name": "town", "shape": [1], "datatype": "BYTES", "data": ["Bonn"]},
        {"name": "rooms", "shape": [1], "datatype": "INT64", "data": [4]},
    ]
}


def images(count: int) -> bytes:
    data = load_digits().images[:count].ravel().tolist()
    tensor = {"name": "image", "shape": [count, 1, 8, 8], "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor]}).encode()


def test_it_answers_as_the_model_does_in_python(
    mixed_replica: RunningReplica, mixed_bundle: Path
) -> None:
    row = {"area": [80], "sold": [True], "town": ["Bonn"], "rooms": [4]}
    wanted = load_bundle(mixed_bundle).predict(row)
    with mixed_replica.connect() as asker:
        header, answer = asker.ask("infer", HOME)
    assert header == {"id": 1, "status": 200}
    assert (answer["model_name"], answer["model_version"]) == ("m", "3")
    label, probabilities = answer["outputs"]
    assert label["data"] == wanted["label"].tolist()
    assert probabilities["data"] == pytest.approx(wanted["probabilities"][0].tolist())


def test_it_tells_that_it_is_ready_and_what_it_takes(mixed_replica: RunningReplica) -> None:
    with mixed_replica.connect() as asker:
        assert asker.ask("ready")[1] == {"ready": True}
        header, metadata = asker.ask("metadata")
    assert header["status"] == 200
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["area", "sold", "town", "rooms"]


def test_null_is_taken_only_where_training_saw_missing_values(
    mixed_replica: RunningReplica,
) -> None:
    def with_null(place: int) -> dict[str, Any]:
        inputs = [dict(tensor) for tensor in HOME["inputs"]]
        inputs[place]["data"] = [None]
        return {"inputs": inputs}

    with mixed_replica.connect() as asker:
        statuses = [asker.ask("infer", with_null(place))[0]["status"] for place in range(4)]
        assert statuses == [200, 422, 200, 422]


def test_a_refusal_has_status_words_and_the_number_of_the_question(
    mixed_replica: RunningReplica,
) -> None:
    with mixed_replica.connect() as asker:
        header, _ = asker.ask("infer", {"inputs": HOME["inputs"][:3]})
        assert header["status"] == 422
        assert "input 'rooms' is missing" in header["error"]
        assert asker.ask("infer", b"{")[0]["status"] == 400
        header, _ = asker.ask("infers")
        assert (header["status"], header["id"]) == (422, 1)
        assert "did you mean 'infer'?" in header["error"]


def test_nonsense_ends_its_own_connection_and_no_other(mixed_replica: RunningReplica) -> None:
    with mixed_replica.connect() as good, mixed_replica.connect() as bad:
        bad.socket.sendall(struct.pack(">II", 2**31, 0))
        with pytest.raises(ConnectionError):
            bad.receive()
        assert good.ask("infer", HOME)[0]["status"] == 200


def test_the_socket_is_its_users_alone(mixed_replica: RunningReplica) -> None:
    assert stat.S_IMODE(mixed_replica.path.stat().st_mode) == 0o600


def test_many_questions_wait_on_one_connection_and_each_gets_its_answer(
    digits_bundle: Path, start_replica: Start
) -> None:
    digits = load_digits()
    wanted = load_bundle(digits_bundle).predict({"image": digits.images[:200, np.newaxis]})
    with start_replica(digits_bundle) as replica, replica.connect() as asker:
        for number in range(200):
            tensor = {
                "name": "image", "shape": [1, 1, 8, 8], "datatype": "UINT8",
                "data": digits.images[number].astype(int).tolist(),
            }  # fmt: skip
            tensor["data"] = [[tensor["data"]]]
            asker.send(number, "infer", json.dumps({"inputs": [tensor]}).encode())
        answers = {}
        for _ in range(200):
            frame = asker.receive()
            assert frame.header["status"] == 200, frame.header
            answers[frame.header["id"]] = json.loads(frame.body)["outputs"][0]["data"][0]
    assert [answers[number] for number in range(200)] == wanted["label"].tolist()


def test_a_large_request_is_answered_whole(digits_bundle: Path, start_replica: Start) -> None:
    with start_replica(digits_bundle) as replica, replica.connect() as asker:
        header, answer = asker.ask("infer", images(1797))
        assert header["status"] == 200
    assert answer["outputs"][1]["shape"] == [1797, 10]
    assert (np.array(answer["outputs"][0]["data"]) == load_digits().target).mean() > 0.93


def test_on_term_it_finishes_what_is_in_flight_and_leaves_nothing(
    digits_bundle: Path, start_replica: Start
) -> None:
    with start_replica(digits_bundle) as replica, replica.connect() as asker:
        request = images(1797)
        asker.ask("infer", images(1))
        for number in range(5):
            asker.send(number, "infer", request)
        time.sleep(0.05)
        replica.process.send_signal(signal.SIGTERM)
        statuses = sorted(asker.receive().header["status"] for _ in range(5))
        assert set(statuses) <= {200, 503}
        assert statuses[0] == 200
        assert replica.process.wait(30) == 0
        assert not replica.path.exists()


@pytest.mark.faults
def test_after_a_kill_it_starts_again_at_the_same_socket(
    mixed_bundle: Path, start_replica: Start
) -> None:
    with start_replica(mixed_bundle) as replica:
        replica.process.kill()
        assert replica.process.wait(30) == -signal.SIGKILL
        assert replica.path.exists()
        process = subprocess.Popen(replica.process.args)
        try:
            assert _ask_when_there(replica) == 200
        finally:
            process.terminate()
            assert process.wait(30) == 0


def _ask_when_there(replica: RunningReplica) -> int:
    """Ask once somebody listens at the socket again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with replica.connect() as asker:
                return int(asker.ask("infer", HOME)[0]["status"])
        except (ConnectionError, FileNotFoundError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("bundle", "socket", "words"),
    [
        (b"no bundle", "r.sock", "not a bundle"),
        (None, "r.sock", "there is no file"),
        (b"", "x" * 120, "over the limit of 106"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_code_1(
    tmp_path: Path, bundle: bytes | None, socket: str, words: str
) -> None:
    path = tmp_path / "m.aimass"
    if bundle is not None:
        path.write_bytes(bundle)
    argv = [
        sys.executable, "-m", "aimass_jupyter.inference.replica", "--bundle", str(path),
        "--socket", str(tmp_path / socket), "--name", "m", "--version", "1",
    ]  # fmt: skip
    result = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
