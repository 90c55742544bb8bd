"""What the package costs before it does anything: its import, and a control plane's start.

::

    python benchmarks/imports.py [--pairs 9]

``import aimass_jupyter`` beside plain IPython; a control plane until it answers beside a
plain jupyter-server until that answers; in turn, each a fresh process. CPU time is told beside wall
time: on a busy machine it is the steadier of the two. What ``%load_ext aimass_jupyter`` costs is
noted too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from figures import Comparison, publish, version_of

IMPORT_MS, START_MS = 50.0, 500.0
START_SECONDS = 60.0
EXTENSIONS_OFF = "--ServerApp.jpserver_extensions={'aimass_server': False}"


def ipython(code: str) -> tuple[float, float]:
    """Milliseconds of wall and of CPU time that a fresh IPython takes for a line."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = _cpu_seconds(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "IPython", "--quick", "--no-banner", "-c", code],
            env=os.environ | {"IPYTHONDIR": folder},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        passed = time.perf_counter() - began
    return 1000 * passed, 1000 * (_cpu_seconds() - before)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def started(argv: list[str], url: Callable[[], str | None], data: Path) -> tuple[float, float]:
    """Milliseconds until a server answers: wall, and CPU until then."""
    environment = os.environ | {
        "AIMASS_DATA": str(data), "JUPYTER_RUNTIME_DIR": str(data / "runtime"),
        "JUPYTER_CONFIG_DIR": str(data / "config"),
    }  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, env=environment, cwd=data, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not _answers(url()):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError(f"{argv} did not answer")
            time.sleep(0.005)
        return 1000 * (time.perf_counter() - began), 1000 * _cpu_of(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str | None) -> bool:
    if url is None:
        return False
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError as error:
        return getattr(error, "code", None) in (401, 403)  # it answers: it asks who comes


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def control_plane() -> tuple[float, float]:
    """Start ours."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        record = data / "control-plane.json"

        def url() -> str | None:
            try:
                return str(json.loads(record.read_text())["url"]) + "/aimass/api/v1/status"
            except (OSError, ValueError):
                return None

        return started([sys.executable, "-m", "aimass_server"], url, data)


def jupyter_server() -> tuple[float, float]:
    """Start a plain one, without any extension of ours."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        as_root = ["--allow-root"] if os.geteuid() == 0 else []
        argv = [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0", EXTENSIONS_OFF, *as_root,
        ]  # fmt: skip

        def url() -> str | None:
            for record in (data / "runtime").glob("jpserver-*.json"):
                try:
                    return str(json.loads(record.read_text())["url"]) + "api/status"
                except (OSError, ValueError):
                    return None
            return None

        return started(argv, url, data)


def beyond(ours: list[float], theirs: list[float]) -> list[float]:
    """How much more ours takes, pair by pair; what the noise makes negative counts as nothing."""
    return [max(0.01, our - their) for our, their in zip(ours, theirs, strict=True)]


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9)
    pairs = range(parser.parse_args().pairs)
    ipython("import aimass_jupyter"), control_plane(), jupyter_server()  # compiled, and in memory
    imports = [(ipython("import aimass_jupyter"), ipython("pass")) for _ in pairs]
    loads = [(ipython("%load_ext aimass_jupyter"), ipython("pass")) for _ in pairs]
    starts = [(control_plane(), jupyter_server()) for _ in pairs]
    load = statistics.median(ours[0] - theirs[0] for ours, theirs in loads)
    publish(
        "import",
        [
            _limit("import beyond plain IPython", imports, IMPORT_MS, "ipython",
                   f"%load_ext: {load:.0f} ms"),
            _limit("start beyond jupyter-server", starts, START_MS, "jupyter_server"),
        ],
    )  # fmt: skip


def _limit(
    what: str,
    pairs: list[tuple[tuple[float, float], tuple[float, float]]],
    limit: float,
    package: str,
    note: str = "",
) -> Comparison:
    wall = beyond([ours[0] for ours, _ in pairs], [theirs[0] for _, theirs in pairs])
    cpu = statistics.median(ours[1] - theirs[1] for ours, theirs in pairs)
    plain = statistics.median(theirs[0] for _, theirs in pairs)
    told = f"theirs is the limit; plain {plain:.0f} ms; CPU {cpu:+.0f} ms; {note}".rstrip("; ")
    return Comparison(what, version_of(package), wall, [limit], "ms", 1.0, note=told)


if __name__ == "__main__":
    main()
