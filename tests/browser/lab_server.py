"""Starting a real JupyterLab on a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.client.discovery import owner

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
START_SECONDS = 180.0


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path

    def address(self, path: str) -> str:
        return f"{self.url}lab/{path}?token={self.token}"


def ask_for_no_news(settings: Path) -> None:
    """Answer what Lab asks a new user, whether it may fetch news; nobody is there to do so.

    It also lets a kernel answer late: Lab forgets a completion that takes more than a second.
    """
    for name, text in (
        ("apputils-extension/notification", '{"fetchNews": "false", "checkForUpdates": false}'),
        ("completer-extension/manager", '{"providerTimeout": 60000}'),
    ):
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(text)


def start_lab(
    base: Path, data: Path, notebooks: Path, options: Sequence[str] = ("--ServerApp.port=0",)
) -> subprocess.Popen[bytes]:
    """Start JupyterLab, at a port that is free unless the options name one."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    environment = os.environ | {
        "AIMASS_DATA": str(data),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
    }
    with (base / "lab.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.root_dir={notebooks}",
                *as_root,
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def wait_for_lab(process: subprocess.Popen[bytes], base: Path, data: Path) -> Lab:
    """Wait until it answers, and own the data folder."""
    record = base / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_SECONDS
    while owner(data) is None or (facts := _facts(record)) is None:
        assert process.poll() is None, (base / "lab.log").read_text()
        assert time.monotonic() < deadline, (base / "lab.log").read_text()
        time.sleep(0.1)
    return Lab(facts["url"], facts["token"], data)


def _facts(record: Path) -> dict[str, Any] | None:
    """What a server wrote of itself; None until that is whole."""
    try:
        return dict(json.loads(record.read_text()))
    except (FileNotFoundError, ValueError):
        return None
