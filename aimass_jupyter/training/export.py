"""Export: the trained network as ONNX, held against torch on real rows, and the bundle."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from aimass_jupyter import __version__
from aimass_jupyter.bundle import MODEL, PREPROCESSING, WEIGHTS, BundleDescription, write_bundle
from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.onnx_graph import INPUT, to_onnx
from aimass_jupyter.training.onnx_writer import OUTPUT

CHECKED_ROWS = 256
TOLERANCE = 1e-4  # of the largest output, for what ONNX Runtime may compute differently
_LIBRARIES = ("torch", "onnx", "onnxruntime", "numpy", "safetensors")


def write_model(
    path: Path,
    spec: JobSpec,
    network: nn.Module,
    preprocessing: Preprocessing,
    report: Report,
    examples: Tensor,
) -> str:
    """Write the bundle of a trained network and return its digest.

    Parameters
    ----------
    examples
        Real inputs, one at least, on which ONNX must agree with torch.

    Raises
    ------
    Failed
        When it does not.
    """
    onnx = to_onnx(network, preprocessing.input_shape, preprocessing.output_size)
    check_onnx(onnx, network, examples)
    return bundled(path, spec, preprocessing, network, onnx, report.metrics)


def bundled(
    path: Path,
    spec: JobSpec,
    preprocessing: Preprocessing,
    network: nn.Module,
    onnx: bytes,
    metrics: dict[str, float | None],
) -> str:
    """Write what a job trained, checked already, and return the digest of the bundle."""
    description = BundleDescription(
        name=spec.name,
        task=preprocessing.task,
        algorithm=spec.algorithm,
        params=spec.params,
        metrics=metrics,
        signature=preprocessing.signature(),
        dataset=spec.dataset,
        dataset_digest=spec.dataset_digest,
        job=spec.id,
        created_at=utc_now(),
        libraries=_libraries(),
    )
    members = {
        PREPROCESSING: preprocessing.to_json(), WEIGHTS: _weights_of(network), MODEL: onnx,
    }  # fmt: skip
    return write_bundle(path, description, members)


def _libraries() -> dict[str, str]:
    """What a model was made with, by version."""
    return {"aimass-jupyter": __version__} | {name: version(name) for name in _LIBRARIES}


def _weights_of(network: nn.Module) -> bytes:
    """All that a network learnt, as safetensors; tensors that it shares are written twice."""
    return save({name: tensor.clone() for name, tensor in network.state_dict().items()})


def check_onnx(onnx: bytes, network: nn.Module, examples: Tensor) -> None:
    """Hold ONNX Runtime against torch.

    Raises
    ------
    Failed
        When an output differs by more than the tolerance.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read while it is imported
    import onnxruntime

    with torch.inference_mode():
        wanted = network.eval()(examples).numpy()
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    given = session.run([OUTPUT], {INPUT: examples.numpy()})[0]
    furthest = TOLERANCE * max(1.0, float(np.abs(wanted).max(initial=0)))
    if not np.allclose(given, wanted, rtol=0, atol=furthest, equal_nan=True):
        difference = float(np.nanmax(np.abs(given - wanted)))
        raise Failed(
            f"the exported model differs from the trained one by {difference:.2g}, "
            f"and may differ by {furthest:.2g}"
        )
