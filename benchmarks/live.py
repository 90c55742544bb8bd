"""From a point in an event file to a chart in the browser, beside TensorBoard, reload 1 s.

::

    python benchmarks/live.py [--pairs 20]

A real JupyterLab with a notebook that shows a job's panel, and a real TensorBoard (its files looked
at each second, its page reloaded each second: sooner than the page itself can be told to) in one
Chromium. A point is appended to the job's event file; how long until the panel's chart shows its
value, and how long until TensorBoard's page has its answer. The job itself does nothing meanwhile.
Both see the same points, after pauses of random length.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import Comparison, publish, version_of

LIMIT_MS = 250.0
START_SECONDS = 90.0
TAG = "clock/now"
WAITING = "import time\nfor _ in range(36_000):\n    time.sleep(0.1)\n"
BROWSER = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Notes when each value of the legend was first shown, by the clock of the one that appends.
WATCH = """
() => {
  const seen = (window.seen = {});
  const look = () => {
    for (const node of document.querySelectorAll('.aimass-legend .aimass-value')) {
      seen[node.textContent] ??= performance.timeOrigin + performance.now();
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""


@contextmanager
def running(argv: list[str], log: Path, environment: dict[str, str]) -> Iterator[Any]:
    """A program, until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=os.environ | environment, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(found: Any, what: str) -> Any:
    """Wait for something to be there."""
    deadline = time.monotonic() + START_SECONDS
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {START_SECONDS:.0f} s")
        time.sleep(0.1)
    return value


@contextmanager
def lab(base: Path) -> Iterator[str]:
    """A JupyterLab on a data folder of its own; gives its address with a token."""
    from aimass_jupyter.client.discovery import owner
    from aimass_jupyter.client.starting import stop_programs

    data = base / "data"
    settings = base / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    environment = {
        "AIMASS_DATA": str(data), "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
    }  # fmt: skip
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    argv = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--ServerApp.root_dir={base / 'notebooks'}", *as_root,
    ]  # fmt: skip
    with running(argv, base / "lab.log", environment) as process:
        record = base / "runtime" / f"jpserver-{process.pid}.json"
        try:
            until(lambda: owner(data) and record.exists(), "JupyterLab")
            facts = json.loads(record.read_text())
            yield f"{facts['url']}lab/tree/live.ipynb?token={facts['token']}"
        finally:
            stop_programs(data)


@contextmanager
def tensorboard(folder: Path, base: Path) -> Iterator[str]:
    """TensorBoard over a folder; gives its address."""
    argv = [
        sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1",
        "--port", "0", "--reload_interval", "1",
    ]  # fmt: skip
    log = base / "tensorboard.log"
    with running(argv, log, {}):
        pattern = re.compile(r"at (http://127\.0\.0\.1:\d+/)")
        found = until(lambda: pattern.search(log.read_text(errors="replace")), "TensorBoard")
        yield found[1]


def write_notebook(base: Path, job: str) -> None:
    """A notebook whose one cell shows the job's panel."""
    source = f"from aimass_jupyter.widgets import JobMonitor\nJobMonitor({job!r})"
    cell = {
        "cell_type": "code", "id": "panel", "metadata": {}, "outputs": [],
        "execution_count": None, "source": source,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {
        "cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (base / "notebooks").mkdir(exist_ok=True)
    (base / "notebooks" / "live.ipynb").write_text(json.dumps(notebook))


def start_job(base: Path) -> tuple[Any, str, Path]:
    """A client, and a job that runs and does nothing; with the folder of its event files."""
    from aimass_jupyter.client import Client
    from aimass_jupyter.client.discovery import Address, owner

    found = owner(base / "data")
    assert found is not None
    client = Client(Address(found.url, found.token_file.read_text().strip()))
    script = base / "waiting.py"
    script.write_text(WAITING)
    job = client.jobs.submit(source=str(script), name="live").id
    until(lambda: client.jobs.show(job).state == "running", "the job")
    folder = base / "data" / "jobs" / job / "tb"
    folder.mkdir(exist_ok=True)
    return client, job, folder


class Points:
    """Appends points to an event file, each in the moment it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "events.out.tfevents.1.live"
        self.count = 0

    def append(self, many: int = 1) -> float:
        """Append; return when, in milliseconds since the epoch. A value is its step."""
        from aimass_jupyter.training.events import encode_scalar
        from aimass_jupyter.training.wire import record

        content = bytearray()
        for _ in range(many):
            self.count += 1
            content += record(encode_scalar(time.time(), TAG, self.count, self.count))
        with self._path.open("ab", buffering=0) as file:
            now = time.time() * 1e3
            file.write(content)
        return now


class Peer:
    """TensorBoard's page: reloaded each second, and what it was answered."""

    def __init__(self, page: Any, address: str) -> None:
        self._page = page
        self.newest: dict[int, float] = {}
        self.bytes = 0
        page.on("response", self._note)
        page.goto(f"{address}#timeseries")
        page.locator(".reload-button").wait_for()
        self._reloaded = 0.0

    def tick(self) -> None:
        """Press its button for a reload, once a second."""
        if time.monotonic() - self._reloaded > 1.0:
            self._reloaded = time.monotonic()
            self._page.locator(".reload-button").click()

    def _note(self, response: Any) -> None:
        if "timeSeries" not in response.url:
            return
        now = time.time() * 1e3
        body = response.body()
        self.bytes = len(body)
        for step in re.findall(rb'"step": ?(\d+)', body)[-1:]:
            self.newest.setdefault(int(step), now)


def measure(pairs: int) -> None:
    """Append, wait for both, publish."""
    from playwright.sync_api import sync_playwright

    wanted = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    chromium = next((found for name in wanted if name and (found := shutil.which(name))), None)
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name, sync_playwright() as play:
        base = Path(name)
        write_notebook(base, "live")
        browser = play.chromium.launch(executable_path=chromium, args=list(BROWSER))
        with lab(base) as address:
            client, job, folder = start_job(base)
            points = Points(folder)
            points.append(10)
            with tensorboard(folder, base) as peer_address:
                page = browser.new_page()
                page.goto(address)
                page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
                page.locator(".jp-Notebook .jp-Cell").first.click()
                page.keyboard.press("Shift+Enter")
                page.get_by_test_id("aimass-chart-clock").wait_for(timeout=60_000)
                page.evaluate(WATCH)
                peer = Peer(browser.new_page(), peer_address)
                ours, theirs = follow(page, peer, points, pairs)
                sizes = bytes_a_point(client, job, points, peer)
            client.jobs.stop(job)
        browser.close()
    report(ours, theirs, sizes)


def follow(page: Any, peer: Peer, points: Points, pairs: int) -> tuple[list[float], list[float]]:
    """How long each point took to each page, in milliseconds."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(pairs):
        page.wait_for_timeout(random.uniform(300, 1300))
        appended, value = points.append(), points.count
        deadline = time.monotonic() + 30
        shown = None
        while time.monotonic() < deadline and (shown is None or value not in peer.newest):
            peer.tick()
            page.wait_for_timeout(20)
            shown = shown or page.evaluate(f"() => window.seen['{value}'] ?? null")
        if shown is None or value not in peer.newest:
            raise TimeoutError(f"point {value} did not come: {shown}, {peer.newest}")
        ours.append(shown - appended)
        theirs.append(peer.newest[value] - appended)
        print(f"{value}: {ours[-1]:.0f} ms, TensorBoard {theirs[-1]:.0f} ms")
    return ours, theirs


def bytes_a_point(client: Any, job: str, points: Points, peer: Peer) -> dict[str, float]:
    """Bytes that one more point costs behind few points and behind many."""
    found: dict[str, float] = {}
    for behind in ("few", "many"):
        cursor = client.jobs.attach(job=job, max_points=2000).cursor
        points.append()
        answer = client.jobs.attach(job=job, cursor=cursor, wait_seconds=10.0)
        found[behind] = len(answer.model_dump_json(exclude={"job"}))
        found[f"{behind} points"] = points.count
        if behind == "few":
            points.append(100_000 - points.count)
    found["peer"] = peer.bytes
    return found


def report(ours: list[float], theirs: list[float], sizes: dict[str, float]) -> None:
    p95 = statistics.quantiles(ours, n=20)[-1] if len(ours) > 1 else ours[0]
    print(f"ours: p50 {statistics.median(ours):.0f} ms, p95 {p95:.0f} ms")
    publish(
        "live",
        [
            Comparison(
                "TensorBoard, reload 1 s", version_of("tensorboard"), ours, theirs, "ms", 1.0,
                note="append to chart; TensorBoard's: to the answer, without drawing",
            ),
            Comparison(
                "a limit of 250 ms", "-", [p95], [LIMIT_MS], "ms", 1.0,
                note=f"p95 of {len(ours)} points",
            ),
            Comparison(
                "itself, few points", "-", [sizes["many"]], [sizes["few"]], "bytes", 0.9,
                note=f"a new point's answer behind {sizes['many points']:.0f} points, "
                f"beside one behind {sizes['few points']:.0f}",
            ),
        ],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=20)
    measure(parser.parse_args().pairs)


if __name__ == "__main__":
    main()
