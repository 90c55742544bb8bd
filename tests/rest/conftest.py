"""The extension inside a Jupyter server of the test's own process (pytest-jupyter)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

# Here and not as a plugin for all tests: its clean-up runs a loop of its own after each test.
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import *  # noqa: F403


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension tells kernels by this process's environment where it is; no later test."""
    for name in ("AIMASS_URL", "AIMASS_TOKEN_FILE", "AIMASS_DATA"):
        monkeypatch.setenv(name, "")  # so that it is as it was afterwards
        monkeypatch.delenv(name)


@pytest.fixture
def jp_server_config(tmp_path: Path) -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"aimass_server": True},
            "allow_unauthenticated_access": False,
        },
        "AimassApp": {"data": str(tmp_path / "data")},
    }
