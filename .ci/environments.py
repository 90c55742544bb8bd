"""The magics in the environments that people have: old and new kernels, a terminal, no torch.

::

    make environments            # all of them, a few minutes
    .ci/environments.py old-kernel terminal

Each environment is a small one of its own below ``build/environments``, with the package as a wheel
and without torch; kept between runs. One control plane of the project's own environment serves all.
Needs a package index; that is why it is no part of ``make test``, which has the kernel of the
project itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "environments"
#: What magics, client and panels import: a kernel needs no more of what the package needs.
LIGHT = (
    "anywidget", "cloudpickle", "httpx", "ipywidgets", "jupyter-core", "nbformat", "numpy",
    "psutil", "pydantic", "traitlets",
)  # fmt: skip
RUN_SECONDS = 180

#: What a person types, and what must be seen of it.
LINES = (
    ("%load_ext aimass_jupyter", ""),
    ("%aimass", "%aimass"),
    ("%aimass datasets import iris", "iris"),
    ("%aimass train --dataset iris --algorithm classification --epochs 2 --name first --wait",
     "first"),
    ("%aimass models", "first"),
    ("%aimass trian", "did you mean 'train'"),
    ("%aimass train --dataset irris", "did you mean 'iris"),
    ("print((_ := get_ipython().run_line_magic('aimass', 'doctor')).checks)", "no torch here"),
    ("%%aimass train --name own --wait\ndef train(run):\n    run.log(0, loss=1.0)\n", "own"),
    ("import sys; print('torch' in sys.modules)", "False"),
)  # fmt: skip


@dataclass(frozen=True)
class Environment:
    """An environment, and how its lines are run."""

    packages: tuple[str, ...]
    run: Callable[[Path, dict[str, str]], list[str]]

    def python(self, name: str) -> Path:
        """Its interpreter; made when it is not there."""
        folder = FOLDER / name
        python = folder / "bin" / "python"
        if not python.exists():
            venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *LIGHT, *self.packages], check=True)
        subprocess.run([*install, "--no-deps", "--force-reinstall", str(wheel())], check=True)
        return python


def wheel() -> Path:
    """The package as others install it; built once a run."""
    folder = FOLDER / "wheel" / str(os.getpid())
    if not (found := list(folder.glob("*.whl"))):
        command = [
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
        ]
        subprocess.run([sys.executable, "-m", *command, str(ROOT)], check=True)
        found = list(folder.glob("*.whl"))
    return found[0]


def in_kernel(python: Path, environment: dict[str, str]) -> list[str]:
    """What each line shows in a kernel; and what the beginning of a verb is completed to."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    assert manager.kernel_spec is not None
    launch = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = launch
    manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        shown = [_shown(client, line) for line, _ in LINES]
        reply = client.complete("%aimass dep", reply=True, timeout=30)
        return [*shown, " ".join(reply["content"]["matches"])]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def _shown(client: Any, line: str) -> str:
    told: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content, kind = message["content"], message["header"]["msg_type"]
        if kind in ("execute_result", "display_data"):
            told.append(content["data"].get("text/plain", ""))
        elif kind == "stream":
            told.append(content["text"])
        elif kind == "error":
            told.extend(content["traceback"])

    client.execute_interactive(line, output_hook=hear, timeout=RUN_SECONDS)
    return "\n".join(told)


def in_terminal(python: Path, environment: dict[str, str]) -> list[str]:
    """What each line shows in a terminal's IPython, which is one process for all of them."""
    mark = "-- next --"
    probe = "get_ipython().Completer.complete('%aimass dep')[1]"
    cells = [*(line for line, _ in LINES), f"print({probe})"]
    script = "\n".join(
        f"_ = get_ipython().run_cell({cell!r}, store_history=True)\nprint({mark!r})"
        for cell in cells
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.py"
        path.write_text(script)
        argv = [str(python), "-m", "IPython", "--colors=NoColor", "--no-banner", str(path)]
        ran = subprocess.run(
            argv, env=environment | {"IPYTHONDIR": folder}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=5 * RUN_SECONDS,
        )  # fmt: skip
    return ran.stdout.split(mark)[: len(cells)]


ENVIRONMENTS = {
    "old-kernel": Environment(("ipykernel<7", "ipython>=8.20,<9"), in_kernel),
    "new-kernel": Environment(("ipykernel>=7", "ipython>=9"), in_kernel),
    "terminal": Environment(("ipython>=9",), in_terminal),
    "old-terminal": Environment(("ipython>=8.20,<9",), in_terminal),
}


@contextmanager
def control_plane() -> Iterator[dict[str, str]]:
    """A control plane of the project's environment; gives what leads to it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"AIMASS_DATA": folder, "NO_COLOR": "1"}
        aimass = [sys.executable, "-m", "aimass_jupyter.cli"]
        subprocess.run([*aimass, "up"], env=environment, check=True)
        try:
            yield environment
        finally:
            subprocess.run([*aimass, "down", "--all"], env=environment, check=True)


def faults(shown: list[str]) -> Iterator[str]:
    """What is not as it must be: a line without its answer, a traceback of ours."""
    for (line, wanted), text in zip(LINES, shown, strict=False):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        if wanted not in plain:
            yield f"{line!r} does not show {wanted!r}:\n{plain[-1500:]}"
        elif "Traceback" in plain:
            yield f"{line!r} shows a traceback:\n{plain[-1500:]}"
    if "deploy" not in (shown[-1] if len(shown) == len(LINES) + 1 else ""):
        yield f"'%aimass dep' is not completed to 'deploy': {shown[-1:]}"


def main(names: list[str]) -> int:
    """Run the lines everywhere; the exit code says whether all is as it must be."""
    if unknown := set(names) - set(ENVIRONMENTS):
        raise SystemExit(f"there is no {sorted(unknown)[0]}; there are {', '.join(ENVIRONMENTS)}")
    found: dict[str, list[str]] = {}
    with control_plane() as environment:
        for name in names or ENVIRONMENTS:
            chosen = ENVIRONMENTS[name]
            found[name] = list(faults(chosen.run(chosen.python(name), dict(environment))))
            print(f"{name}: {'as it must be' if not found[name] else 'FAULTS'}", flush=True)
            print("\n".join(found[name]), end="\n" if found[name] else "")
    print(json.dumps({name: len(each) for name, each in found.items()}))
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
