"""The ONNX graph of a bundle: refused when it reaches outside itself, run on one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read while it is imported
import onnxruntime
from google.protobuf.message import DecodeError
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from aimass_jupyter.contract.errors import Failed, InvalidRequest

Matrix = npt.NDArray[np.float32]

_CURE = "train the model again, or download its bundle again"
_ERRORS_ONLY = 3
_UNUSABLE = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)


class Graph:
    """A network of one float32 input and one float32 output, whose first axis is the rows.

    Parameters
    ----------
    content
        The bytes of ``model.onnx``.

    Raises
    ------
    InvalidRequest
        When they are no such network.
    """

    def __init__(self, content: bytes) -> None:
        _refuse_external_data(content)
        self._session = _session(content)
        self._input = _only("input", self._session.get_inputs())
        self._output = _only("output", self._session.get_outputs())

    def run(self, rows: Matrix) -> Matrix:
        """Return the network's output for these rows.

        Raises
        ------
        Failed
            When the network does not take such rows.
        """
        try:
            (output,) = self._session.run([self._output.name], {self._input.name: rows})
        except _UNUSABLE as error:
            raise Failed(
                f"the network refuses its input: {_first_line(error)}",
                "send values like those of the model's example",
            ) from None
        result: Matrix = output
        return result


def _session(content: bytes) -> onnxruntime.InferenceSession:
    """One thread, which sleeps when there is nothing to do: replicas share the machine."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except _UNUSABLE as error:
        raise InvalidRequest(f"model.onnx cannot be run: {_first_line(error)}", _CURE) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _only(what: str, tensors: list[Any]) -> Any:
    if len(tensors) != 1 or tensors[0].type != "tensor(float)":
        found = ", ".join(f"{tensor.name}: {tensor.type}" for tensor in tensors) or "none"
        raise InvalidRequest(f"model.onnx must have one float32 {what}, and has {found}", _CURE)
    return tensors[0]


def _refuse_external_data(content: bytes) -> None:
    """A tensor may name a file to take its values from: no bundle of ours has one."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise InvalidRequest("model.onnx is not an ONNX file", _CURE) from None
    graphs = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    for tensor in _tensors(graphs, nodes):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise InvalidRequest(
                f"model.onnx takes the values of '{tensor.name}' from another file", _CURE
            )


def _tensors(graphs: list[Any], nodes: list[Any]) -> Iterator[Any]:
    """Every tensor of a model, also those of subgraphs and attributes."""
    while graphs or nodes:
        for graph in graphs:
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
        attributes = [attribute for node in nodes for attribute in node.attribute]
        graphs, nodes = [], []
        for attribute in attributes:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs += [graph for graph in (attribute.g, *attribute.graphs) if graph.ByteSize()]
