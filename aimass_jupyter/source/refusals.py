"""Refusals: what of a notebook cannot travel, in words, and what to do instead."""

from __future__ import annotations

import inspect
import io
import types
from collections.abc import Callable
from typing import Any


class CannotTravel(Exception):
    """A value without a form to travel in."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


_INSIDE = "build it inside train"


def refusal(value: Any) -> CannotTravel:
    """What a value is, in words, and what to do instead."""
    for fits, what, cure in _REFUSALS:
        if fits(value):
            return CannotTravel(f"is {what}", cure)
    kind = type(value)
    return CannotTravel(f"is an object of class {kind.__module__}.{kind.__qualname__}", _INSIDE)


def _inherits(value: Any, *names: str) -> bool:
    return any(f"{base.__module__}.{base.__qualname__}" in names for base in type(value).__mro__)


def _named(*names: str) -> Callable[[Any], bool]:
    return lambda value: _inherits(value, *names)


def _is_connection(value: Any) -> bool:
    return hasattr(value, "cursor") and hasattr(value, "commit")


def _is_widget(value: Any) -> bool:
    return _inherits(
        value, "ipywidgets.widgets.widget.Widget", "IPython.core.display.DisplayObject"
    )


def _is_iterator(value: Any) -> bool:
    return hasattr(value, "__next__")


_REFUSALS: tuple[tuple[Callable[[Any], bool], str, str], ...] = (
    (
        lambda v: isinstance(v, io.IOBase) or _inherits(v, "tempfile._TemporaryFileWrapper"),
        "an open file",
        "open it inside train, and send it along: --files NAME",
    ),
    (_is_connection, "a connection to a database", "connect inside train, or import a dataset"),
    (
        _named("torch.nn.modules.module.Module"),
        "a torch model",
        "build it inside train (its class travels), and load weights from --files",
    ),
    (_named("torch.optim.optimizer.Optimizer"), "a torch optimizer", _INSIDE),
    (
        _named("torch.utils.data.dataloader.DataLoader", "torch.utils.data.dataset.Dataset"),
        "a torch data set or loader",
        "build it inside train from arrays, or from run.dataset",
    ),
    (
        lambda v: inspect.isgenerator(v) or inspect.isasyncgen(v) or inspect.iscoroutine(v),
        "a generator",
        "make it inside train, or make a list of it first",
    ),
    (
        _named("_thread.lock", "_thread.RLock", "threading.Condition", "threading.Event",
               "threading.Semaphore", "threading.Thread", "asyncio.locks.Lock"),
        "a lock or a thread",
        "make it inside train",
    ),
    (_named("subprocess.Popen", "socket.socket"), "a process or a socket", "open it inside train"),
    (_is_widget, "a widget", "take its value first: x = widget.value"),
    (
        lambda v: (
            isinstance(v, types.MethodType | types.BuiltinMethodType)
            and not isinstance(v.__self__, types.ModuleType)
        ),
        "a method bound to an object",
        "build the object inside train",
    ),
    (_named("functools.partial"), "a partial function", "write it as a def"),
    (_named("collections.defaultdict"), "a defaultdict", "make a dict of it first: dict(x)"),
    (
        lambda v: isinstance(v, types.FunctionType | types.BuiltinFunctionType | type),
        "or holds a function or a class that has no name of its own",
        "name those that it uses in train, or build it there",
    ),
    (
        _named("numpy.random._generator.Generator", "numpy.random.mtrand.RandomState",
               "torch._C.Generator", "random.Random"),
        "a generator of random numbers",
        "make it inside train, from run.seed",
    ),
    (
        _named("sklearn.base.BaseEstimator"),
        "an estimator of scikit-learn",
        "fit it inside train, or send what it learnt as arrays",
    ),
    (
        lambda v: type(v).__qualname__ in ("DataFrame", "Series", "Table"),
        "or holds a table",
        "give each table a variable of its own",
    ),
    (
        _named("pandas.core.indexes.base.Index", "pandas.Index"),
        "an index of pandas",
        "send its values: x.to_numpy()",
    ),
    (
        lambda v: type(v).__qualname__ == "Timestamp" and hasattr(v, "to_pydatetime"),
        "a time of pandas",
        "send it as Python's: x.to_pydatetime()",
    ),
    (_is_iterator, "an iterator", "make a list of it first: list(x)"),
)  # fmt: skip
