"""Data of a notebook as Arrow, NumPy or JSON, and back. Never a pickle.

What has no such form is refused with what it is and what to do instead. JSON carries what it lacks
(tuples, sets, dates, …) as an object with one key that begins with ``$``.
"""

from __future__ import annotations

import base64
import collections
import datetime
import decimal
import fractions
import inspect
import io
import json
import logging
import math
import pathlib
import re
import types
from collections.abc import Callable
from typing import Any

from aimass_jupyter.source.manifest import Form

MAX_OBJECT_BYTES = 64 * 1024**2
#: What a job must have to make an object of that form again.
MODULES_OF_FORMS: dict[Form, str] = {"pandas": "pandas", "series": "pandas", "polars": "polars"}
_DEPTH = 60


class CannotTravel(Exception):
    """A value without a form to travel in."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


def encode(value: Any) -> tuple[Form, bytes]:
    """The form in which a value travels, and its bytes.

    Raises
    ------
    CannotTravel
        Saying what it is, and the cure.
    """
    form, content = _encoded(value)
    if len(content) > MAX_OBJECT_BYTES:
        raise CannotTravel(
            f"has {len(content):,} bytes; at most {MAX_OBJECT_BYTES:,} travel",
            "import it as a dataset and read run.dataset, or load it inside train",
        )
    return form, content


def _encoded(value: Any) -> tuple[Form, bytes]:
    kind = _library_type(value)
    if kind in _LIBRARY_FORMS:
        return _LIBRARY_FORMS[kind](value)
    if kind == "numpy.ndarray":
        return "npy", _npy(value)
    return "json", json.dumps(_tagged(value), allow_nan=False).encode()


def decode(form: Form, content: bytes) -> Any:
    """The value again."""
    return _DECODERS[form](content)


def plain_json(value: Any) -> Any:
    """A value as JSON has it; what JSON lacks is tagged.

    Raises
    ------
    CannotTravel
        Saying what it is, and the cure.
    """
    return _tagged(value)


def plain_value(content: Any) -> Any:
    """The value again."""
    return _untagged(content)


def _library_type(value: Any) -> str:
    """``pandas.DataFrame`` whatever module of pandas defines it."""
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def _npy(array: Any) -> bytes:
    import numpy as np

    if array.dtype.hasobject:
        raise CannotTravel(
            "is an array of Python objects", "give it a type first: .astype(str) or .astype(float)"
        )
    _within_limit(array.nbytes)
    content = io.BytesIO()
    np.save(content, np.asarray(array), allow_pickle=False)
    return content.getvalue()


def _within_limit(size: int) -> None:
    """Refuse a large one before it is copied."""
    if size > MAX_OBJECT_BYTES:
        raise CannotTravel(
            f"has {size:,} bytes; at most {MAX_OBJECT_BYTES:,} travel",
            "import it as a dataset and read run.dataset, or load it inside train",
        )


def _arrow(table: Any) -> bytes:
    import pyarrow as pa

    _within_limit(table.nbytes)
    content = io.BytesIO()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    return content.getvalue()


def _frame(frame: Any) -> bytes:
    import pyarrow as pa

    try:
        return _arrow(pa.Table.from_pandas(frame))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise CannotTravel(
            f"has a column that Arrow does not know ({str(error).splitlines()[0]})",
            "give its columns plain types: numbers, text, dates",
        ) from None


def _tensor(tensor: Any) -> tuple[Form, bytes]:
    if str(tensor.dtype) == "torch.bfloat16" or tensor.layout is not _strided():
        raise CannotTravel(
            f"is a tensor of {tensor.dtype}, {tensor.layout}", "make it inside train"
        )
    return "torch", _npy(tensor.detach().cpu().numpy())


def _strided() -> Any:
    import sys

    return sys.modules["torch"].strided  # there is a tensor, so there is torch


_LIBRARY_FORMS: dict[str, Callable[[Any], tuple[Form, bytes]]] = {
    "pyarrow.Table": lambda table: ("arrow", _arrow(table)),
    "pandas.DataFrame": lambda frame: ("pandas", _frame(frame)),
    "pandas.Series": lambda series: ("series", _frame(series.to_frame("value"))),
    "polars.DataFrame": lambda frame: ("polars", _arrow(frame.to_arrow())),
    "torch.Tensor": _tensor,
}


def _tagged(value: Any, depth: int = _DEPTH) -> Any:
    """A value as JSON has it."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if not depth:
        raise CannotTravel("is nested too deep, or holds itself", "make it inside train")
    if type(value) is list:
        return [_tagged(item, depth - 1) for item in value]
    if type(value) is dict:
        return _tagged_dict(value, depth - 1)
    tag = _TAGS.get(type(value))
    if tag is not None:
        name, take_apart, _ = tag
        return {name: _tagged(take_apart(value), depth - 1)}
    return _tagged_by_library(value)


def _tagged_dict(value: dict[Any, Any], depth: int) -> Any:
    plain = all(type(key) is str and not key.startswith("$") for key in value)
    if plain:
        return {key: _tagged(inner, depth) for key, inner in value.items()}
    return {"$dict": [[_tagged(k, depth), _tagged(v, depth)] for k, v in value.items()]}


def _tagged_by_library(value: Any) -> Any:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject:
        scalar = "$array" if kind.__name__ == "ndarray" else "$scalar"
        return {scalar: base64.b64encode(_npy(_as_array(value))).decode()}
    if library == "numpy" and hasattr(value, "hasobject"):
        return {"$dtype": value.str}
    if library == "torch" and kind.__name__ in ("device", "dtype", "Size"):
        return _tagged_torch(value, kind.__name__)
    if library == "torch" and kind.__name__ == "Tensor":
        return {"$tensor": base64.b64encode(_tensor(value)[1]).decode()}
    raise _refused(value)


def _as_array(value: Any) -> Any:
    import numpy as np

    return np.asarray(value)


def _tagged_torch(value: Any, kind: str) -> Any:
    if kind == "Size":
        return {"$tuple": list(value)}
    return {f"$torch.{kind}": str(value)}


_Tag = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]


def _moment(kind: Any) -> _Tag:
    """ISO 8601 does not tell which of two hours of the same name is meant; ``fold`` does."""
    back = kind.fromisoformat
    apart, again = lambda t: [t.isoformat(), t.fold], lambda p: back(p[0]).replace(fold=p[1])
    return f"${kind.__name__}", apart, again


_TAGS: dict[type, _Tag] = {
    tuple: ("$tuple", list, tuple),
    set: ("$set", lambda s: sorted(s, key=repr), set),
    frozenset: ("$frozenset", lambda s: sorted(s, key=repr), frozenset),
    collections.OrderedDict: ("$ordered", lambda d: list(d.items()), collections.OrderedDict),
    collections.Counter: ("$counter", dict, collections.Counter),
    collections.deque: ("$deque", list, collections.deque),
    bytes: ("$bytes", lambda b: base64.b64encode(b).decode(), base64.b64decode),
    complex: ("$complex", lambda c: [c.real, c.imag], lambda p: complex(*p)),
    range: ("$range", lambda r: [r.start, r.stop, r.step], lambda p: range(*p)),
    slice: ("$slice", lambda s: [s.start, s.stop, s.step], lambda p: slice(*p)),
    datetime.datetime: _moment(datetime.datetime),
    datetime.date: ("$date", lambda t: t.isoformat(), datetime.date.fromisoformat),
    datetime.time: _moment(datetime.time),
    datetime.timedelta: (
        "$timedelta",
        lambda d: [d.days, d.seconds, d.microseconds],
        lambda p: datetime.timedelta(*p),
    ),
    decimal.Decimal: ("$decimal", str, decimal.Decimal),
    fractions.Fraction: ("$fraction", str, fractions.Fraction),
    pathlib.PosixPath: ("$path", str, pathlib.Path),
    re.Pattern: ("$pattern", lambda p: [p.pattern, p.flags], lambda p: re.compile(*p)),
    logging.Logger: ("$logger", lambda log: log.name, logging.getLogger),
    types.SimpleNamespace: ("$namespace", vars, lambda d: types.SimpleNamespace(**d)),
}
_UNTAGS: dict[str, Callable[[Any], Any]] = {name: back for name, _, back in _TAGS.values()}


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))).startswith("$"):
        return _from_tag(tag, value[tag])
    return {key: _untagged(inner) for key, inner in value.items()}


def _from_tag(tag: str, content: Any) -> Any:
    if tag == "$dict":
        return {_hashable(key): _untagged(inner) for key, inner in content}
    if tag in _UNTAGS:
        return _UNTAGS[tag](_untagged(content))
    return _LIBRARY_TAGS[tag](content)


def _hashable(key: Any) -> Any:
    return _untagged(key)


def _load_npy(content: bytes) -> Any:
    import numpy as np

    return np.load(io.BytesIO(content), allow_pickle=False)


def _torch_attribute(name: str) -> Any:
    import importlib

    return getattr(importlib.import_module("torch"), name.removeprefix("torch."))


def _load_tensor(content: bytes) -> Any:
    return _torch_attribute("from_numpy")(_load_npy(content).copy())


_LIBRARY_TAGS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$array": lambda text: _load_npy(base64.b64decode(text)),
    "$scalar": lambda text: _load_npy(base64.b64decode(text))[()],
    "$tensor": lambda text: _load_tensor(base64.b64decode(text)),
    "$dtype": lambda text: _dtype(text),
    "$torch.device": lambda text: _torch_attribute("device")(text),
    "$torch.dtype": _torch_attribute,
}


def _dtype(text: str) -> Any:
    import numpy as np

    return np.dtype(text)


def _load_arrow(content: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(content).read_all()


def _load_polars(content: bytes) -> Any:
    import importlib

    return importlib.import_module("polars").from_arrow(_load_arrow(content))


_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "json": lambda content: _untagged(json.loads(content)),
    "npy": _load_npy,
    "torch": _load_tensor,
    "arrow": _load_arrow,
    "pandas": lambda content: _load_arrow(content).to_pandas(),
    "series": lambda content: _load_arrow(content).to_pandas()["value"],
    "polars": _load_polars,
}

_INSIDE = "build it inside train"


def _refused(value: Any) -> CannotTravel:
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
        lambda v: isinstance(v, types.MethodType),
        "a method bound to an object",
        "build the object inside train",
    ),
    (_named("functools.partial"), "a partial function", "write it as a def"),
    (_named("collections.defaultdict"), "a defaultdict", "make a dict of it first: dict(x)"),
    (_is_iterator, "an iterator", "make a list of it first: list(x)"),
)  # fmt: skip
