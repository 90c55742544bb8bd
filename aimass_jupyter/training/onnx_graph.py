"""ONNX from a chain of layers, node by node. It computes nothing and reads no data.

Torch's exporters are passed by: the tracing one is being removed, and the other takes five seconds
of every job to load its compiler. Our networks are chains of the few layers below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx
from onnx import helper, numpy_helper
from torch import Tensor, nn

from aimass_jupyter.algorithms import BatchNorm
from aimass_jupyter.contract.errors import Failed

INPUT, OUTPUT, ROWS = "input", "output", "rows"
OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that the project allows

Attributes = dict[str, Any]  # numbers, and pairs of them
Node = tuple[str, dict[str, Tensor], Attributes]


def to_onnx(network: nn.Sequential, shape: Sequence[int], outputs: int) -> bytes:
    """Return the network, as it predicts, as an ONNX model.

    Parameters
    ----------
    shape
        Shape of one row of the input.
    outputs
        Numbers that come out for a row. The model takes any number of rows at once.

    Raises
    ------
    Failed
        When a layer has no form here.
    """
    nodes, weights, current = [], [], INPUT
    layers = [(name, layer) for name, layer in network.named_children() if not _idle(layer)]
    for name, layer in layers:
        kind, tensors, attributes = _node(layer)
        named = {f"{name}.{part}": tensor for part, tensor in tensors.items()}
        weights += [_weight(label, tensor) for label, tensor in named.items()]
        following = OUTPUT if name == layers[-1][0] else f"{name}.{OUTPUT}"
        nodes.append(helper.make_node(kind, [current, *named], [following], name, **attributes))
        current = following
    graph = helper.make_graph(
        nodes, "network", [_value(INPUT, shape)], [_value(OUTPUT, [outputs])], weights
    )
    versions = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _idle(layer: nn.Module) -> bool:
    """Whether it does nothing while predicting."""
    return isinstance(layer, nn.Dropout | nn.Identity)


def _node(layer: nn.Module) -> Node:
    for kind, form in _FORMS.items():
        if isinstance(layer, kind):
            return form(layer)
    raise Failed(f"a {type(layer).__name__} layer cannot be written as ONNX")


def _linear(layer: nn.Linear) -> Node:
    return "Gemm", {"weight": layer.weight, "bias": layer.bias}, {"transB": 1}


def _convolution(layer: nn.Conv2d) -> Node:
    height, width = (int(side) for side in layer.padding)
    attributes: Attributes = {
        "kernel_shape": layer.kernel_size,
        "strides": layer.stride,
        "pads": [height, width, height, width],
        "dilations": layer.dilation,
        "group": layer.groups,
    }
    bias = {} if layer.bias is None else {"bias": layer.bias}
    return "Conv", {"weight": layer.weight, **bias}, attributes


def _pooling(layer: nn.MaxPool2d) -> Node:
    return "MaxPool", {}, {"kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride)}


def _batch_norm(layer: BatchNorm) -> Node:
    tensors = {
        "weight": layer.weight,
        "bias": layer.bias,
        "running_mean": layer.running_mean,
        "running_var": layer.running_var,
    }
    return "BatchNormalization", tensors, {"epsilon": layer.epsilon}


_FORMS: dict[type[nn.Module], Callable[..., Node]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _pooling,
    BatchNorm: _batch_norm,
    nn.ReLU: lambda layer: ("Relu", {}, {}),
    nn.Flatten: lambda layer: ("Flatten", {}, {"axis": 1}),
}


def _pair(value: int | tuple[int, ...]) -> Sequence[int]:
    return (value, value) if isinstance(value, int) else value


def _weight(name: str, tensor: Tensor) -> onnx.TensorProto:
    return numpy_helper.from_array(tensor.detach().cpu().numpy(), name)


def _value(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [ROWS, *shape])
