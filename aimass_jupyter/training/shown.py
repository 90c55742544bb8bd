"""What people log, as what an event file takes: names, numbers, arrays, figures. Loads no torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.contract.errors import InvalidRequest


def tag_of(name: str) -> str:
    """``loss__train`` is the curve ``loss/train``."""
    return name.replace("__", "/")


def step_of(value: Any) -> int:
    """A step: a whole number, also one of NumPy or torch.

    Raises
    ------
    InvalidRequest
        When it is none.
    """
    if type(value) is int:
        return value
    try:
        whole = int(value)
        if whole == value:
            return whole
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    raise InvalidRequest(
        f"a step is a whole number, and {str(value)[:40]!r} is none", "run.log(step, loss=loss)"
    )


def number(name: str, value: Any) -> float:
    """A number, a NumPy scalar or a tensor of one value, as a number.

    Raises
    ------
    InvalidRequest
        When it is none.
    """
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):
        kind = type(value).__name__
        raise InvalidRequest(
            f"run.log takes numbers, and '{name}' is a {kind}", f"log {name}=float(…)"
        ) from None


def array(value: Any) -> npt.NDArray[Any]:
    """A tensor, a figure or whatever NumPy takes, as an array."""
    if hasattr(value, "detach"):
        kept = value.detach().cpu()
        return np.asarray((kept.float() if kept.is_floating_point() else kept).numpy())
    if hasattr(value, "savefig"):
        return _drawn(value)
    return np.asarray(value)


def _drawn(figure: Any) -> npt.NDArray[Any]:
    """A Matplotlib figure as pixels, whatever it is shown by."""
    backend = import_module("matplotlib.backends.backend_agg")  # whoever has a figure has it
    canvas = backend.FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())
