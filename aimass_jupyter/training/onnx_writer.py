"""Writing ONNX: nodes and weights one after the other, and the form of each layer that we have.

It computes nothing and reads no data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx
from onnx import helper, numpy_helper
from torch import Tensor, nn

from aimass_jupyter.algorithms import BatchNorm
from aimass_jupyter.contract.errors import Failed

OUTPUT = "output"

Attributes = dict[str, Any]  # numbers, and pairs of them
Node = tuple[str, dict[str, Tensor], Attributes]


class Writer:
    """The nodes and the weights of a graph, so far."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(
        self, kind: str, inputs: Sequence[str], output: str, **attributes: Any
    ) -> str:  # fmt: skip
        """Add a node; return what its output is called."""
        name = output.removesuffix(f".{OUTPUT}")
        self.nodes.append(helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def weight(self, name: str, tensor: Tensor) -> str:
        """Add a tensor that never changes; return its name."""
        self.weights.append(numpy_helper.from_array(tensor.detach().cpu().numpy(), name))
        return name

    def chain(self, network: nn.Module, start: str, end: str, prefix: str = "") -> str:
        """Add the layers of a chain, from one value to another.

        Raises
        ------
        Failed
            When a layer has no form here.
        """
        layers = [(name, layer) for name, layer in network.named_children() if not _idle(layer)]
        for name, layer in layers:
            last = name == layers[-1][0]
            start = self.layer(layer, start, end if last else "", prefix + name)
        return start

    def layer(self, layer: nn.Module, start: str, end: str, name: str) -> str:
        """Add one layer; without an end its output is called after it."""
        kind, tensors, attributes = _node(layer)
        named = [self.weight(f"{name}.{part}", tensor) for part, tensor in tensors.items()]
        return self.node(kind, [start, *named], end or f"{name}.{OUTPUT}", **attributes)


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
