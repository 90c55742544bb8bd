"""Export: ONNX that takes any number of rows and agrees with torch, or is refused."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from aimass_jupyter.algorithms import build_network, hyperparameters_of
from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.training.export import check_onnx
from aimass_jupyter.training.onnx_graph import INPUT, to_onnx
from aimass_jupyter.training.onnx_writer import OUTPUT


@pytest.mark.parametrize("shape", [(6,), (1, 8, 8), (3, 20, 33)])
@pytest.mark.parametrize("architecture", ["auto", "linear", "mlp"])
def test_onnx_agrees_on_any_number_of_rows(shape: tuple[int, ...], architecture: str) -> None:
    params = hyperparameters_of("classification", {"architecture": architecture, "hidden": 16})
    network = build_network(params, shape, 3)
    onnx = to_onnx(network, shape, 3)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == [INPUT]
    assert [o.name for o in session.get_outputs()] == [OUTPUT]
    for rows in (1, 2, 7, 300):
        inputs = torch.randn(rows, *shape)
        with torch.no_grad():
            wanted = network.eval()(inputs).numpy()
        given = session.run(None, {INPUT: inputs.numpy()})[0]
        assert np.allclose(given, wanted, atol=1e-4)


def test_a_model_that_differs_is_refused() -> None:
    network = build_network(hyperparameters_of("regression", {}), (4,), 1)
    onnx = to_onnx(network, (4,), 1)
    check_onnx(onnx, network, torch.randn(5, 4))
    with torch.no_grad():
        next(network.parameters()).add_(0.1)
    with pytest.raises(Failed, match="differs from the trained one by"):
        check_onnx(onnx, network, torch.randn(5, 4))


def test_layers_of_all_settings_are_written_right() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 6, 1, bias=False),
        torch.nn.MaxPool2d((2, 3), stride=(1, 2)),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.5),
        torch.nn.LazyLinear(5),
        torch.nn.Dropout(0.5),
    )
    examples = torch.randn(3, 4, 16, 20)
    network(examples)
    check_onnx(to_onnx(network, (4, 16, 20), 5), network, examples)


def test_a_layer_without_a_form_is_named() -> None:
    with pytest.raises(Failed, match="a Tanh layer cannot be written as ONNX"):
        to_onnx(torch.nn.Sequential(torch.nn.Tanh()), (3,), 3)
