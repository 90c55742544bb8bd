"""Data of a notebook as Arrow, NumPy or JSON, and back. Never a pickle.

What has no such form is refused with what it is and what to do instead. JSON carries what it lacks
(tuples, sets, dates, …) as an object with one key that begins with ``$``.
"""

from __future__ import annotations

import argparse
import base64
import collections
import datetime
import decimal
import fractions
import io
import json
import logging
import math
import pathlib
import re
import types
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from aimass_jupyter.source import instances
from aimass_jupyter.source.manifest import Form
from aimass_jupyter.source.refusals import CannotTravel, refusal

MAX_OBJECT_BYTES = 64 * 1024**2
#: What a job must have to make an object of that form again.
MODULES_OF_FORMS: dict[Form, str] = {"pandas": "pandas", "series": "pandas", "polars": "polars"}
_DEPTH = 60
_NO_NAME = "\0"  # the column of a series without a name


class Encoder:
    """Gives values the form in which they travel.

    Parameters
    ----------
    here, beside
        The modules whose classes are one's own: those that are the notebook, ``__main__`` first
        of all, and those that lie beside it.

    Attributes
    ----------
    classes
        The classes of one's own that were met in values: they must travel too.
    """

    def __init__(self, here: Collection[str] = (), beside: Collection[str] = ()) -> None:
        self.classes: list[type] = []
        self._here = here
        self._own = {*here, *beside}

    def encode(self, value: Any) -> tuple[Form, bytes]:
        """The form in which a value travels, and its bytes.

        Raises
        ------
        CannotTravel
            Saying what it is, and the cure.
        """
        form, content = self._encoded(value)
        _within_limit(len(content))
        return form, content

    def _encoded(self, value: Any) -> tuple[Form, bytes]:
        kind = _library_type(value)
        if kind in _LIBRARY_FORMS and not getattr(value, "requires_grad", False):
            return _LIBRARY_FORMS[kind](value)
        if kind == "numpy.ndarray":
            return "npy", _npy(value)
        return "json", json.dumps(self.tagged(value), allow_nan=False).encode()

    def tagged(self, value: Any, depth: int = _DEPTH) -> Any:
        """A value as JSON has it."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$float": repr(value)}
        if not depth:
            raise CannotTravel("is nested too deep, or holds itself", "make it inside train")
        if type(value) is list:
            return [self.tagged(item, depth - 1) for item in value]
        if type(value) is dict:
            return self._tagged_dict(value, depth - 1)
        tag = _TAGS.get(type(value))
        if tag is not None:
            name, take_apart, _ = tag
            return {name: self.tagged(take_apart(value), depth - 1)}
        return self._tagged_own(value, depth - 1) or _tagged_by_library(value)

    def _tagged_dict(self, value: dict[Any, Any], depth: int) -> Any:
        plain = all(type(key) is str and not key.startswith("$") for key in value)
        if plain:
            return {key: self.tagged(inner, depth) for key, inner in value.items()}
        pairs = [[self.tagged(k, depth), self.tagged(v, depth)] for k, v in value.items()]
        return {"$dict": pairs}

    def _tagged_own(self, value: Any, depth: int) -> Any:
        apart = instances.take_apart(value, self._own)
        if apart is None:
            return None
        tag, parts = apart
        self.classes.append(type(value))
        return {tag: [instances.name_of(type(value), self._here), self.tagged(parts, depth)]}


def encode(value: Any) -> tuple[Form, bytes]:
    """The form in which plain data travels, and its bytes.

    Raises
    ------
    CannotTravel
        Saying what it is, and the cure.
    """
    return Encoder().encode(value)


def decode(form: Form, content: bytes, names: Mapping[str, Any] | None = None) -> Any:
    """The value again; ``names`` has the classes of its own that it holds objects of."""
    if form == "json":
        return _untagged(json.loads(content), names)
    return _DECODERS[form](content)


def plain_json(value: Any) -> Any:
    """A value as JSON has it; what JSON lacks is tagged.

    Raises
    ------
    CannotTravel
        Saying what it is, and the cure.
    """
    return Encoder().tagged(value)


def plain_value(content: Any) -> Any:
    """The value again."""
    return _untagged(content, None)


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
            f"has {size:,} bytes, where {MAX_OBJECT_BYTES:,} are allowed at most,",
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
        table = pa.Table.from_pandas(frame)
    except (ValueError, TypeError, NotImplementedError) as error:  # what Arrow's errors derive from
        said = "; ".join(str(part) for part in error.args)
        raise CannotTravel(
            f"is a table that Arrow cannot hold ({said})",
            "give each column a name of its own and a plain type: numbers, text, dates",
        ) from None
    for column in table.schema:
        if pa.types.is_struct(column.type):  # rows would get each other's keys
            raise CannotTravel(
                f"has dicts in its column '{column.name}'",
                "make columns of their keys (pandas.json_normalize), or text (json.dumps)",
            )
    return _arrow(table)


def _series(series: Any) -> bytes:
    return _frame(series.to_frame(_NO_NAME) if series.name is None else series.to_frame())


def _tensor(tensor: Any) -> tuple[Form, bytes]:
    if str(tensor.dtype) == "torch.bfloat16":
        raise CannotTravel("is a tensor of torch.bfloat16", "send it as float32: x.float()")
    if tensor.layout is not _strided() or tensor.is_quantized:
        raise CannotTravel(
            f"is a tensor of {tensor.dtype}, {tensor.layout}", "make it inside train"
        )
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    return "torch", _npy(plain.numpy())


def _strided() -> Any:
    import sys

    return sys.modules["torch"].strided  # there is a tensor, so there is torch


_LIBRARY_FORMS: dict[str, Callable[[Any], tuple[Form, bytes]]] = {
    "pyarrow.Table": lambda table: ("arrow", _arrow(table)),
    "pandas.DataFrame": lambda frame: ("pandas", _frame(frame)),
    "pandas.Series": lambda series: ("series", _series(series)),
    "polars.DataFrame": lambda frame: ("polars", _arrow(frame.to_arrow())),
    "torch.Tensor": _tensor,
}


def _tagged_by_library(value: Any) -> Any:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject:
        return {_array_tag(value): base64.b64encode(_npy(_as_array(value))).decode()}
    if library == "numpy" and hasattr(value, "hasobject"):
        return {"$dtype": value.str}
    if library == "torch" and kind.__name__ in ("device", "dtype", "Size"):
        return _tagged_torch(value, kind.__name__)
    if library == "torch" and kind.__name__ == "Tensor":
        tag = "$leaf" if value.requires_grad else "$tensor"
        return {tag: base64.b64encode(_tensor(value)[1]).decode()}
    raise refusal(value)


def _array_tag(value: Any) -> str:
    """Of an array or a scalar; one of another class would lose its mask, or what else it adds."""
    import numpy as np

    if isinstance(value, np.generic):
        return "$scalar"
    if type(value) in (np.ndarray, np.memmap):
        return "$array"
    if isinstance(value, np.ma.MaskedArray):
        raise CannotTravel("is a masked array", "fill it first: x.filled(VALUE)")
    raise CannotTravel(f"is a numpy.{type(value).__name__}", "make it an array: np.array(x)")


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
    bytearray: ("$bytearray", bytes, bytearray),
    uuid.UUID: ("$uuid", str, uuid.UUID),
    argparse.Namespace: ("$options", vars, lambda d: argparse.Namespace(**d)),
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
_OWN_TAGS = ("$member", "$row", "$object")
_UNTAGS: dict[str, Callable[[Any], Any]] = {name: back for name, _, back in _TAGS.values()}


def _untagged(value: Any, names: Mapping[str, Any] | None) -> Any:
    if isinstance(value, list):
        return [_untagged(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))).startswith("$"):
        return _from_tag(tag, value[tag], names)
    return {key: _untagged(inner, names) for key, inner in value.items()}


def _from_tag(tag: str, content: Any, names: Mapping[str, Any] | None) -> Any:
    if tag == "$dict":
        return {_untagged(key, names): _untagged(inner, names) for key, inner in content}
    if tag in _UNTAGS:
        return _UNTAGS[tag](_untagged(content, names))
    if names is not None and tag in _OWN_TAGS:
        kind = instances.class_named(content[0], names)
        return instances.put_together(tag, kind, _untagged(content[1], names))
    return _LIBRARY_TAGS[tag](content)


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
    "$leaf": lambda text: _load_tensor(base64.b64decode(text)).requires_grad_(),
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


def _load_series(content: bytes) -> Any:
    series = _load_arrow(content).to_pandas().iloc[:, 0]
    return series.rename(None) if series.name == _NO_NAME else series


def _load_polars(content: bytes) -> Any:
    import importlib

    return importlib.import_module("polars").from_arrow(_load_arrow(content))


_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "npy": _load_npy,
    "torch": _load_tensor,
    "arrow": _load_arrow,
    "pandas": lambda content: _load_arrow(content).to_pandas(),
    "series": lambda content: _load_series(content),
    "polars": _load_polars,
}
