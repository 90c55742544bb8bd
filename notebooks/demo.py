"""``make demo``: the whole path on real data, then JupyterLab until Ctrl-C.

Starts JupyterLab on a free loopback port with a fresh data folder, runs the quickstart through
papermill against it, checks each thing that was made by asking for it again, prints a table and
writes ``build/demo.json``. With ``DEMO_EXIT=1`` it stops everything and exits, non-zero when
anything was not as it should be.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "demo"
DATA = BUILD / "data"
WORK = BUILD / "notebooks"
START_SECONDS = 120.0
ACCURACY_WANTED = 0.95

#: Which step of the table a cell of the quickstart belongs to, by what stands in it.
STEPS = {
    "datasets import": "import the dataset",
    "%aimass train": "train on 2 Horovod ranks",
    "%aimass promote": "promote the model",
    "%aimass deploy": "deploy the endpoint",
    "/infer": "predict over HTTP",
    "%aimass publish": "publish the dashboard",
}


class Lab:
    """A JupyterLab of our own."""

    def __init__(self) -> None:
        as_root = ["--allow-root"] if os.geteuid() == 0 else []
        self.log = BUILD / "jupyterlab.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterlab",
                    "--no-browser",
                    "--ServerApp.ip=127.0.0.1",
                    f"--ServerApp.root_dir={WORK}",
                    *as_root,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.url, self.token = self._wait()

    def _wait(self) -> tuple[str, str]:
        """Wait until the control plane in it answers; its address and its token."""
        from jupyter_core.paths import jupyter_runtime_dir

        record = Path(jupyter_runtime_dir()) / f"jpserver-{self.process.pid}.json"
        deadline = time.monotonic() + START_SECONDS
        while not (DATA / "control-plane.json").exists() or (facts := _written(record)) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text().splitlines()[-15:])
                raise SystemExit(f"JupyterLab did not start; the end of {self.log}:\n{tail}")
            time.sleep(0.1)
        return facts["url"].rstrip("/"), facts["token"]

    @property
    def address(self) -> str:
        return f"{self.url}/lab/tree/quickstart.ipynb?token={self.token}"

    def stop(self) -> None:
        """Stop it; ask twice at most, then insist."""
        for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(patience)
                except subprocess.TimeoutExpired:
                    continue


def _written(record: Path) -> dict[str, Any] | None:
    """What a server wrote of itself; None until that is whole."""
    try:
        return dict(json.loads(record.read_text()))
    except (FileNotFoundError, ValueError):
        return None


def main() -> int:
    """Run the demo; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)  # as Ctrl-C: nothing is left running
    os.environ["AIMASS_DATA"] = str(DATA)
    seconds: dict[str, float] = {}
    _begin_afresh()
    print("AI Mass demo: JupyterLab, then the quickstart; about a minute on two cores")
    lab = None
    try:
        with _timed(seconds, "start JupyterLab"):
            lab = Lab()
        failure = _run_quickstart(seconds)
        with _timed(seconds, "check everything"):
            facts = _facts(lab, seconds, failure)
        _report(facts, failure)
        if not os.environ.get("DEMO_EXIT"):
            _stay(lab)
        return 0 if facts["ok"] else 1
    except KeyboardInterrupt:
        return 130
    finally:
        _stop(lab)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _begin_afresh() -> None:
    """Empty folders; what an interrupted demo left running is ended first."""
    from aimass_jupyter.client.discovery import owner
    from aimass_jupyter.client.starting import stop_programs
    from aimass_jupyter.host import is_alive, send_signal

    if found := owner(DATA):
        send_signal(found.identity, signal.SIGKILL)
        while is_alive(found.identity):
            time.sleep(0.05)
    if DATA.exists():
        stop_programs(DATA)
        shutil.rmtree(BUILD)
    for folder in (DATA, WORK):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("quickstart.ipynb", "digits_dashboard.ipynb"):
        shutil.copy(ROOT / "notebooks" / name, WORK)


def _run_quickstart(seconds: dict[str, float]) -> str:
    """Execute the notebook in place; returns what failed, or an empty text."""
    import papermill

    path = WORK / "quickstart.ipynb"
    failure = ""
    try:
        papermill.execute_notebook(
            path, path, _parameters(), cwd=WORK, kernel_name="python3", progress_bar=True
        )
    except papermill.PapermillExecutionError as error:
        failure = f"cell {error.exec_count}: {error.ename}: {error.evalue}"
    for cell in json.loads(path.read_text())["cells"]:
        step = next((s for mark, s in STEPS.items() if mark in "".join(cell["source"])), None)
        duration = cell["metadata"].get("papermill", {}).get("duration")
        if step and cell["cell_type"] == "code" and duration is not None:
            seconds[step] = round(seconds.get(step, 0) + duration, 2)
    return failure


def _parameters() -> dict[str, str]:
    """The notebook's own values; torchrun where Horovod could not be built."""
    from aimass_jupyter import connect

    with connect() as client:
        engines = client.system.status().engines
    return {} if "horovod" in engines else {"engine": "torchrun"}


def _facts(lab: Lab, seconds: dict[str, float], failure: str) -> dict[str, Any]:
    """What was made, asked for again from outside the notebook."""
    from aimass_jupyter import connect

    with connect() as client:
        facts = {
            "seconds": seconds,
            "dataset": _checked(lambda: _dataset(client)),
            "job": _checked(lambda: _job(client)),
            "model": _checked(lambda: _model(client)),
            "endpoint": _checked(lambda: _endpoint(client)),
            "service": _checked(lambda: _service(client)),
            "tensorboard": _checked(lambda: _tensorboard(lab)),
            "lab": {"url": lab.address},
        }
    return {"ok": not failure and _is_ok(facts), **facts}


def _checked(ask: Any) -> dict[str, Any]:
    """The facts, or why there are none."""
    from aimass_jupyter.contract.errors import AimassError

    try:
        found: dict[str, Any] = ask()
    except (AimassError, httpx.HTTPError) as error:
        return {"error": str(error)}
    return found


def _dataset(client: Any) -> dict[str, Any]:
    dataset = client.datasets.show("digits")
    latest = dataset.latest
    return {"id": dataset.id, "name": dataset.name, "version": latest.version, "rows": latest.rows}


def _job(client: Any) -> dict[str, Any]:
    job = client.jobs.show("digits")
    return {"id": job.id, "engine": job.engine, "np": job.np, "state": job.state}


def _model(client: Any) -> dict[str, Any]:
    model = client.models.show("digits@production")
    chosen = model.selected
    return {
        "id": model.id,
        "name": model.name,
        "version": chosen.version,
        "metrics": dict(chosen.metrics),
    }


def _endpoint(client: Any) -> dict[str, Any]:
    """A real image through the endpoint as any program would, and through the model in Python."""
    import numpy as np
    from sklearn.datasets import load_digits

    from aimass_jupyter.inference import load_bundle

    endpoint = client.endpoints.key("digits")
    image = load_digits().images[0].reshape(1, 1, 8, 8)
    tensor = {
        "name": "image",
        "datatype": "FP32",
        "shape": list(image.shape),
        "data": image.ravel().tolist(),
    }
    answer = httpx.post(
        f"{endpoint.url}/infer",
        json={"inputs": [tensor]},
        headers={"Authorization": f"Bearer {endpoint.key}"},
        timeout=30,
    )
    answer.raise_for_status()
    bundle = BUILD / "digits.aimass"
    bundle.write_bytes(client.models.download("digits@production"))
    expected = load_bundle(bundle).predict({"image": image})["label"]
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "predicted": answer.json()["outputs"][0]["data"][0],
        "expected": np.asarray(expected).item(0),
    }


def _service(client: Any) -> dict[str, Any]:
    service = client.services.show("digits")
    page = httpx.get(service.url, follow_redirects=True, timeout=60)
    return {"id": service.id, "url": service.url, "status": page.status_code}


def _tensorboard(lab: Lab) -> dict[str, Any]:
    url = f"{lab.url}/aimass/tensorboard/"
    headers = {"Authorization": f"token {lab.token}"}
    page = httpx.get(url, headers=headers, follow_redirects=True, timeout=60)
    return {"url": url, "status": page.status_code}


def _is_ok(facts: dict[str, Any]) -> bool:
    job, endpoint = facts["job"], facts["endpoint"]
    metrics = facts["model"].get("metrics", {})
    return (
        not any("error" in fact for fact in facts.values())
        and (job["state"], job["np"]) == ("succeeded", 2)
        and (metrics.get("accuracy") or 0) >= ACCURACY_WANTED
        and endpoint["predicted"] == endpoint["expected"]
        and facts["service"]["status"] == facts["tensorboard"]["status"] == 200
    )


def _report(facts: dict[str, Any], failure: str) -> None:
    """The table, and the same as JSON."""
    (ROOT / "build" / "demo.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"\n{'what':<12} {'id':<34} where, how")
    for name in ("dataset", "job", "model", "endpoint", "service", "tensorboard", "lab"):
        fact = dict(facts[name])
        identity = fact.pop("id", "")
        print(f"{name:<12} {identity:<34} {_line(fact)}")
    print("\nhow long")
    for step, taken in facts["seconds"].items():
        print(f"  {step:<28} {taken:6.1f} s")
    if failure:
        print(f"\nthe notebook failed: {failure}")
    print(f"\n{'ok' if facts['ok'] else 'NOT OK'}; the same in build/demo.json")


def _line(fact: dict[str, Any]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, dict):
            return " ".join(f"{key} {text(inner)}" for key, inner in value.items())
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    return "  ".join(
        f"{key} {text(value)}" if key != "url" else text(value) for key, value in fact.items()
    )


def _stay(lab: Lab) -> None:
    print(f"\nJupyterLab is open at\n  {lab.address}\nCtrl-C stops everything.")
    lab.process.wait()


def _stop(lab: Lab | None) -> None:
    """End all that the demo started."""
    from aimass_jupyter.client.starting import stop_programs

    if lab is not None:
        lab.stop()
    stop_programs(DATA)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    print(f"  {step} …", flush=True)
    began = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - began, 2)


if __name__ == "__main__":
    sys.exit(main())
