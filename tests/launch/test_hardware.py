"""Hardware, told from files."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from aimass_jupyter.launch.hardware import find_hardware, gpus_of

INFORMATION = """Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 152
GPU UUID: \t GPU-0f1e
"""


def test_gpus_are_told_by_their_model(tmp_path: Path) -> None:
    for number, text in enumerate((INFORMATION, "IRQ: 3\n")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text(text)
    assert gpus_of(tmp_path) == ("NVIDIA H100 80GB HBM3", "GPU")
    assert gpus_of(tmp_path / "no driver") == ()


def test_what_is_read_is_what_the_libraries_say() -> None:
    """Held against the libraries themselves, which have to be loaded for it."""
    import torch

    found = find_hardware()
    assert found.torch == (torch.version.cuda or "cpu")
    if find_spec("horovod") is None:
        assert found.horovod == ""
        pytest.skip("Horovod is not built here")
    code = "import horovod.torch as h; print('nccl' if h.nccl_built() else 'gloo')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.horovod == said.stdout.strip()


def test_the_program_tells_it_without_importing_torch() -> None:
    program = [sys.executable, "-X", "importtime", "-m", "aimass_jupyter.launch", "--hardware"]
    said = subprocess.run(program, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["torch"]
    assert "| torch\n" not in said.stderr
