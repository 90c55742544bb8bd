"""A model of one's own as a bundle: exported to ONNX, held against torch, with its signature."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aimass_jupyter.contract.errors import Failed, InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.data.encoders import TensorEncoder
from aimass_jupyter.data.labels import ClassLabel, TensorLabel
from aimass_jupyter.training.export import CHECKED_ROWS, bundled, check_onnx
from aimass_jupyter.training.onnx_graph import INPUT, to_onnx
from aimass_jupyter.training.onnx_writer import OUTPUT
from aimass_jupyter.training.run_dataset import RunDataset

_EXACT = 2**24  # whole numbers up to here are themselves in float32
_FIRST = (
    "run.register(model, example): a few rows that the model takes, or learn from "
    "run.dataset.tensors()"
)


def write_own_model(
    path: Path,
    spec: JobSpec,
    model: nn.Module,
    example: Any,
    dataset: RunDataset | None,
    classes: list[Any] | None,
    metrics: Mapping[str, float],
) -> str:
    """Write the bundle of a model and return its digest.

    Raises
    ------
    InvalidRequest
        When the example does not suit the model.
    Failed
        When the model has no form in ONNX, or ONNX gives other numbers.
    """
    if not isinstance(model, nn.Module):
        raise InvalidRequest(
            f"run.register takes a torch model, not a {type(model).__name__}", _FIRST
        )
    network = copy.deepcopy(model).cpu().eval().float()
    rows = _rows(example, dataset)
    given = _outputs(network, rows)
    preprocessing = _preprocessing(spec, rows, given, example, dataset, classes)
    served, floats = _of_floats(network, rows, given)
    onnx = export(served, floats, preprocessing)
    check_onnx(onnx, served, floats)
    told = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    return bundled(path, spec, preprocessing, network, onnx, told)


def _rows(example: Any, dataset: RunDataset | None) -> Tensor:
    """A few rows on the CPU, as the model takes them."""
    if example is None:
        if dataset is None or dataset.preprocessing is None:
            raise InvalidRequest("run.register needs an example of what the model takes", _FIRST)
        columns = {name: dataset[name][:CHECKED_ROWS] for name in dataset.columns}
        return torch.from_numpy(dataset.preprocessing.apply(columns))
    rows = example.detach().cpu() if isinstance(example, Tensor) else _tensor(example)
    if rows.ndim < 1 or not len(rows):
        raise InvalidRequest("the example has no rows", _FIRST)
    rows = rows[:CHECKED_ROWS].contiguous()
    if rows.is_floating_point():
        return rows.float()
    if rows.is_complex() or int(rows.abs().max()) > _EXACT:
        raise InvalidRequest(
            "the example holds numbers that float32 cannot carry",
            f"real numbers, and whole ones up to {_EXACT:,}",
        )
    return rows


def _tensor(example: Any) -> Tensor:
    try:
        return torch.as_tensor(np.asarray(example))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidRequest(
            f"the example is no array of numbers: {str(error).splitlines()[0]}", _FIRST
        ) from None


class _OfFloats(nn.Module):
    """A network of whole numbers, as tokens are, behind the float32 that all bundles speak."""

    def __init__(self, network: nn.Module, taken: torch.dtype) -> None:
        super().__init__()
        self.network = network
        self.taken = taken

    def forward(self, rows: Tensor) -> Tensor:
        given: Tensor = self.network(rows.to(self.taken))
        return given.float()


def _of_floats(network: nn.Module, rows: Tensor, given: Tensor) -> tuple[nn.Module, Tensor]:
    if rows.dtype == given.dtype == torch.float32:
        return network, rows
    return _OfFloats(network, rows.dtype).eval(), rows.float()


def _outputs(network: nn.Module, rows: Tensor) -> Tensor:
    try:
        with torch.inference_mode():
            given = network(rows)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise InvalidRequest(
            f"the model does not take the example, {rows.dtype} of shape {tuple(rows.shape)}: "
            f"{str(error).splitlines()[0]}",
            "its first axis is the rows: example=inputs[:4]",
        ) from None
    if not isinstance(given, Tensor) or len(given) != len(rows):
        raise InvalidRequest(
            f"the model gives {_form(given)} for {len(rows)} rows",
            "it must give one tensor, whose first axis is the rows",
        )
    return given


def _form(given: Any) -> str:
    return f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__


def _preprocessing(
    spec: JobSpec,
    rows: Tensor,
    given: Tensor,
    example: Any,
    dataset: RunDataset | None,
    classes: list[Any] | None,
) -> Preprocessing:
    """That of the dataset when the model learnt from its tensors, else none but a form."""
    fitted = dataset.preprocessing if dataset else None
    suits = fitted is not None and fitted.input_shape == tuple(rows.shape[1:])
    if fitted is not None and suits and classes is None:
        if given[0].numel() == fitted.output_size:
            return fitted
        if example is None:
            raise InvalidRequest(
                f"the model gives {given[0].numel()} numbers a row, and label "
                f"'{fitted.label.name}' takes {fitted.output_size}",
                "give as many as there are classes, one for a number; or an example",
            )
    label: ClassLabel | TensorLabel = TensorLabel(name="output", shape=tuple(given.shape[1:]))
    if classes is not None:
        label = _class_label(spec, classes, given)
    shape = tuple(rows.shape[1:])
    return Preprocessing(
        features=[TensorEncoder(name="input", shape=shape)],
        label=label,
        dropped={},
        example={"input": rows[0].tolist()},
    )


def _class_label(spec: JobSpec, classes: list[Any], given: Tensor) -> ClassLabel:
    names = [int(c) if isinstance(c, int | np.integer) else str(c) for c in classes]
    if given.shape[1:] != (len(names),):
        raise InvalidRequest(
            f"{len(names)} classes are named, and the model gives {tuple(given.shape[1:])} a row",
            "it must give a logit for each class",
        )
    return ClassLabel(name=spec.label or "label", classes=names)


def export(network: nn.Module, rows: Tensor, preprocessing: Preprocessing) -> bytes:
    """The network as ONNX: a chain of known layers at once, any other through torch's exporter.

    Raises
    ------
    Failed
        When it has no form in ONNX, or the exporter is not installed.
    """
    if isinstance(network, nn.Sequential):
        with contextlib.suppress(Failed):  # a layer that is unknown here
            return to_onnx(network, preprocessing.input_shape, preprocessing.output_size)
    if find_spec("onnxscript") is None:
        raise Failed(
            f"a {_named(network)} is exported by torch, which needs onnxscript for it",
            "pip install onnxscript where jobs run, or use nn.Sequential of plain layers",
        )
    return _exported(network, rows)


def _named(network: nn.Module) -> str:
    inner = network.network if isinstance(network, _OfFloats) else network
    return type(inner).__name__


def _exported(network: nn.Module, rows: Tensor) -> bytes:
    shapes = ({0: torch.export.Dim("rows")},)
    sample = rows if len(rows) > 1 else torch.cat([rows, rows])  # one row would be taken for fixed
    try:
        with _quiet():
            program = torch.onnx.export(
                network, (sample,), dynamo=True, dynamic_shapes=shapes, verbose=False,
                input_names=[INPUT], output_names=[OUTPUT],
            )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - the exporter fails with anything
        raise Failed(
            f"the model has no form in ONNX: {_last_line(error)}",
            "its forward must be tensor operations, without branches on values",
        ) from None
    assert program is not None  # it returns one when it is not given a file
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks of itself at length."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _last_line(error: Exception) -> str:
    cause = error.__cause__ or error
    lines = [line for line in str(cause).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(cause).__name__
