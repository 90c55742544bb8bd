"""Doctor, told of every broken set-up that it knows; each is caused here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter import __version__
from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.client.doctor import diagnose
from aimass_jupyter.contract.system import Check, Diagnosis
from tests.client.conftest import Script
from tests.conftest import Server


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests in a terminal of Jupyter's is in no kernel all the same."""
    for name in ("JPY_SESSION_NAME", "JPY_PARENT_PID", "AIMASS_URL", "AIMASS_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def _check(diagnosis: Diagnosis, name: str) -> Check:
    return next(check for check in diagnosis.checks if check.name == name)


def _broken(diagnosis: Diagnosis) -> list[str]:
    return [check.name for check in diagnosis.checks if not check.ok]


def _status(version: str) -> str:
    return json.dumps(
        {
            "version": version,
            "url": "http://127.0.0.1:9",
            "data_folder": "/data",
            "started_at": "2026-01-01T00:00:00Z",
            "slots": 2,
            "slots_used": 0,
            "engines": [],
            "jobs": {},
            "datasets": 0,
            "models": 0,
            "endpoints": 0,
            "services": 0,
            "gateway_url": None,
            "tensorboard_url": "http://127.0.0.1:9",
        }
    )


def _of_another_time(script: Script, version: str, doctor: str) -> Diagnosis:
    script.answers["/status"] = [(200, _status(version))]
    script.answers["/doctor"] = [(200, doctor)]
    script.answers["/aimass/socket"] = [(200, "a page of a proxy")]
    return diagnose(script.client)


def test_all_is_well_where_all_is(server: Server) -> None:
    with server.client() as client:
        diagnosis = diagnose(lambda: client)
    assert _broken(diagnosis) == []
    assert _check(diagnosis, "websocket").found == "passes"
    assert _check(diagnosis, "versions").found == f"here {__version__}, control plane {__version__}"
    assert _check(diagnosis, "jobs run in").found == sys.prefix


def test_no_server_is_a_finding_with_its_cure() -> None:
    diagnosis = diagnose(lambda: Client(Address("http://127.0.0.1:9", "token")))
    found = _check(diagnosis, "control plane")
    assert _broken(diagnosis) == ["control plane"]
    assert "127.0.0.1:9" in found.found
    assert found.cure


def test_versions_that_differ_are_told(script: Script) -> None:
    diagnosis = _of_another_time(script, "9.9.9", '{"ok": true, "checks": []}')
    found = _check(diagnosis, "versions")
    assert not found.ok
    assert "9.9.9" in found.found
    assert "same version" in found.cure


def test_an_answer_of_another_version_hides_nothing_else(script: Script) -> None:
    diagnosis = _of_another_time(script, "9.9.9", '{"findings": "of a later time"}')
    assert _broken(diagnosis) == ["versions", "websocket", "control plane"]
    assert "not understood" in _check(diagnosis, "control plane").found


def test_a_blocked_websocket_is_told(script: Script) -> None:
    diagnosis = _of_another_time(script, __version__, '{"ok": true, "checks": []}')
    found = _check(diagnosis, "websocket")
    assert not found.ok
    assert "answered 200 instead of opening one" in found.found
    assert "Upgrade" in found.cure


def test_jobs_of_another_environment_are_told(script: Script) -> None:
    check = {"name": "jobs run in", "ok": True, "found": "/opt/jobs", "cure": ""}
    answer = json.dumps({"ok": True, "checks": [check]})
    found = _check(_of_another_time(script, __version__, answer), "environment")
    assert "jobs run in /opt/jobs" in found.found
    assert "kernel" in found.cure


def test_a_jupyter_server_without_our_part_is_told(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "7")  # every kernel has it, papermill's too
    diagnosis = _of_another_time(script, __version__, '{"ok": true, "checks": []}')
    assert "Jupyter server" not in [check.name for check in diagnosis.checks]
    monkeypatch.setenv("JPY_SESSION_NAME", "report.ipynb")
    diagnosis = _of_another_time(script, __version__, '{"ok": true, "checks": []}')
    assert "Jupyter server" in _broken(diagnosis)
    monkeypatch.setenv("AIMASS_TOKEN_FILE", "/data/kernel.token")
    diagnosis = _of_another_time(script, __version__, '{"ok": true, "checks": []}')
    assert "Jupyter server" not in _broken(diagnosis)


@pytest.fixture
def without_horovod(tmp_path: Path) -> Iterator[Server]:
    """A control plane whose jobs find a Horovod that was built without torch, and no GPU."""
    hidden = tmp_path / "hidden"
    (hidden / "horovod").mkdir(parents=True)
    (hidden / "horovod" / "__init__.py").touch()
    server = Server(tmp_path / "data", {"PYTHONPATH": str(hidden)})
    server.start()
    yield server
    server.stop_everything()


def test_an_engine_that_is_not_there_is_told(without_horovod: Server) -> None:
    with without_horovod.client() as client:
        diagnosis = diagnose(lambda: client)
    found = _check(diagnosis, "engine horovod")
    assert not found.ok
    assert "horovod" in found.found
    assert "docs/operators/install.md" in found.cure
    assert not diagnosis.ok
    driver = Path("/proc/driver/nvidia/gpus")
    if not driver.exists():
        assert "none seen" in _check(diagnosis, "GPUs").found


def test_the_command_line_tells_it_where_nothing_answers(tmp_path: Path) -> None:
    given = {"AIMASS_URL": "http://127.0.0.1:9", "AIMASS_TOKEN": "x", "AIMASS_DATA": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-m", "aimass_jupyter.cli", "doctor"],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "control plane  BROKEN: no control plane answers at http://127.0.0.1:9" in answer.stdout
    assert answer.stderr == ""
