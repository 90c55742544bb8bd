"""The extension inside a Jupyter server of the test's own process (pytest-jupyter)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def jp_server_config(tmp_path: Path) -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"aimass_server": True},
            "allow_unauthenticated_access": False,
        },
        "AimassApp": {"data": str(tmp_path / "data")},
    }
