"""Objects of a notebook's own classes: the class travels as text, what they hold as data.

Nothing of theirs is run on the way: no ``__init__``, no ``__post_init__``, no ``__reduce__``.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
import importlib
import typing
from collections.abc import Collection, Mapping
from typing import Any

#: Bases that hold nothing of their own.
_EMPTY = (object, abc.ABC, typing.Generic, typing.Protocol)


def take_apart(value: Any, modules: Collection[str]) -> tuple[str, Any] | None:
    """The tag of an object of a class of one's own, and what it holds; None of any other.

    Parameters
    ----------
    modules
        The modules whose classes are one's own.
    """
    kind = type(value)
    if not _own(kind, modules):
        return None
    if isinstance(value, enum.Enum):
        return "$member", value.value if isinstance(value, enum.Flag) else value.name
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return "$row", list(value)
    return ("$object", _state(value)) if _plain(kind, modules) else None


def put_together(tag: str, kind: Any, parts: Any) -> Any:
    """The object again."""
    if tag == "$member":
        return kind(parts) if issubclass(kind, enum.Flag) else kind[parts]
    if tag == "$row":
        return tuple.__new__(kind, parts)
    made = object.__new__(kind)
    for name, value in parts.items():
        object.__setattr__(made, name, value)
    return made


def name_of(kind: type, here: Collection[str]) -> str:
    """How a class is named in data: ``Config`` in the notebook, ``lib.config:Config`` beside it."""
    inside = kind.__module__ in here
    return kind.__qualname__ if inside else f"{kind.__module__}:{kind.__qualname__}"


def class_named(name: str, namespace: Mapping[str, Any]) -> Any:
    """The class of such a name; None when there is none any more."""
    module, _, path = name.rpartition(":")
    first, *rest = path.split(".")
    names = vars(importlib.import_module(module)) if module else namespace
    found = names.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


def _own(kind: type, modules: Collection[str]) -> bool:
    return kind.__module__.partition(".")[0] in modules and "<" not in kind.__qualname__


def _plain(kind: type, modules: Collection[str]) -> bool:
    """Whether its attributes are all of it: nothing is inherited but what is one's own as well."""
    bases = all(base in _EMPTY or _own(base, modules) for base in kind.__mro__)
    own_ways = {"__reduce__", "__reduce_ex__"}
    if not dataclasses.is_dataclass(kind):  # one with slots has a __getstate__ that is given to it
        own_ways.add("__getstate__")
    made = {name for base in kind.__mro__ if base not in _EMPTY for name in vars(base)}
    return bases and own_ways.isdisjoint(made)


def _state(value: Any) -> dict[str, Any]:
    slots = [name for base in type(value).__mro__ for name in _slots(base)]
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return state | dict(getattr(value, "__dict__", {}))


def _slots(kind: type) -> list[str]:
    named = vars(kind).get("__slots__", ())
    names = [named] if isinstance(named, str) else list(named)
    return [name for name in names if name not in ("__dict__", "__weakref__")]
