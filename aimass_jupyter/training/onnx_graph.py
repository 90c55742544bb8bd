"""ONNX from a network of ours: a chain of layers, or a combination of chains.

Torch's exporters are passed by: the tracing one is being removed, and the other takes five seconds
of every job to load its compiler. Our networks are made of few kinds of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from aimass_jupyter.algorithms.combining import (
    LEAST_LOG,
    LEAST_PROBABILITY,
    Combination,
    Mean,
    Stack,
    Sum,
    Vote,
)
from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.training.onnx_writer import OUTPUT, Writer

INPUT, ROWS = "input", "rows"
OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that the project allows


def to_onnx(network: nn.Module, shape: Sequence[int], outputs: int) -> bytes:
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
    writer = Writer()
    if isinstance(network, Combination):
        _combine(writer, network)
    else:
        writer.chain(network, INPUT, OUTPUT)
    graph = helper.make_graph(
        writer.nodes,
        "network",
        [_value(INPUT, shape)],
        [_value(OUTPUT, [outputs])],
        writer.weights,
    )
    versions = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _combine(writer: Writer, network: Combination) -> None:
    answers = [
        writer.chain(member, INPUT, f"members.{number}.{OUTPUT}", f"members.{number}.")
        for number, member in enumerate(network.members)
    ]
    for kind, form in _COMBINATIONS.items():
        if isinstance(network, kind):
            form(writer, network, answers)
            return
    raise Failed(f"a {type(network).__name__} of networks cannot be written as ONNX")


def _mean(writer: Writer, network: Mean, answers: list[str]) -> None:
    if not network.classes:
        _weighted(writer, network.shares, answers, OUTPUT)
        return
    chances = [writer.node("Softmax", [one], f"{one}.chances", axis=1) for one in answers]
    mean = _weighted(writer, network.shares, chances, "mean")
    least = writer.weight("least", torch.tensor(LEAST_PROBABILITY))
    writer.node("Log", [writer.node("Clip", [mean, least], "mean.clipped")], OUTPUT)


def _sum(writer: Writer, network: Sum, answers: list[str]) -> None:
    _weighted(writer, network.shares, answers, OUTPUT)


def _vote(writer: Writer, network: Vote, answers: list[str]) -> None:
    depth = writer.weight("classes", torch.tensor(network.classes))
    values = writer.weight("ballot", torch.tensor([0.0, 1.0]))
    ballots = []
    for one in answers:
        chosen = writer.node("ArgMax", [one], f"{one}.chosen", axis=1, keepdims=0)
        ballots.append(writer.node("OneHot", [chosen, depth, values], f"{one}.ballot", axis=1))
    _weighted(writer, network.shares, ballots, OUTPUT)


def _stack(writer: Writer, network: Stack, answers: list[str]) -> None:
    if network.classes:
        least = writer.weight("least", torch.tensor(LEAST_LOG))
        logs = [writer.node("LogSoftmax", [one], f"{one}.logs", axis=1) for one in answers]
        answers = [writer.node("Clip", [one, least], f"{one}.clipped") for one in logs]
    shown = writer.node("Concat", answers, "shown", axis=1)
    writer.layer(network.head, shown, OUTPUT, "head")


_COMBINATIONS: dict[type[Combination], Callable[..., None]] = {
    Mean: _mean,
    Sum: _sum,
    Vote: _vote,
    Stack: _stack,
}


def _weighted(writer: Writer, shares: Tensor, answers: list[str], output: str) -> str:
    parts = [
        writer.node("Mul", [one, writer.weight(f"{one}.share", share)], f"{one}.part")
        for one, share in zip(answers, shares, strict=True)
    ]
    return writer.node("Sum", parts, output)


def _value(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [ROWS, *shape])
