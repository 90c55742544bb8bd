"""The state of own code, to go on from: tensors by name, and JSON for all the rest. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.source.objects import plain_json, plain_value
from aimass_jupyter.source.refusals import CannotTravel

_TENSOR = "$aimass.tensor"


def pack_state(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, each under a name, and what remains when they are taken out.

    What has a ``state_dict`` (models, optimizers, schedulers) is kept as that.

    Raises
    ------
    InvalidRequest
        When a part is neither tensors nor anything that JSON can say.
    """
    tensors: dict[str, Tensor] = {}
    meta = {name: _pack(name, _state_of(part), tensors) for name, part in state.items()}
    return tensors, meta


def _state_of(part: Any) -> Any:
    return part.state_dict() if callable(getattr(part, "state_dict", None)) else part


def _pack(path: str, value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[path] = value.detach().contiguous()
        return {_TENSOR: path}
    if isinstance(value, Mapping):
        pairs = [[_plain(path, k), _pack(f"{path}.{k}", v, tensors)] for k, v in value.items()]
        return {"$pairs": pairs}
    if isinstance(value, list | tuple):
        kind = "$tuple" if isinstance(value, tuple) else "$list"
        return {kind: [_pack(f"{path}.{i}", v, tensors) for i, v in enumerate(value)]}
    return _plain(path, value)


def _plain(path: str, value: Any) -> Any:
    try:
        return {"$plain": plain_json(value)}
    except CannotTravel as error:
        raise InvalidRequest(
            f"'{path}' {error.what} and cannot be kept in a checkpoint",
            "keep tensors, numbers, text, and lists and dicts of them",
        ) from None


def restore_state(
    tensors: Mapping[str, Tensor], meta: Mapping[str, Any], parts: Mapping[str, Any]
) -> dict[str, Any]:
    """Put back what has a ``load_state_dict``; returns all the rest, by name.

    Raises
    ------
    InvalidRequest
        When a part was not kept, or is of another shape.
    """
    for name in parts:
        if name not in meta:
            raise InvalidRequest(
                f"the checkpoint holds no '{name}'", did_you_mean(name, meta, "resume without it")
            )
    state = {name: _unpack(part, tensors) for name, part in meta.items()}
    for name, part in parts.items():
        _load(name, part, state.pop(name))
    return state


def _load(name: str, part: Any, state: Any) -> None:
    try:
        part.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()
        raise InvalidRequest(
            f"the checkpoint's '{name}' is of another shape: {first[-1].strip() if first else ''}",
            "build it as it was, or train under a new name",
        ) from None


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    ((kind, content),) = value.items()
    if kind == _TENSOR:
        return tensors[content]
    if kind == "$pairs":
        return {_key(k): _unpack(v, tensors) for k, v in content}
    if kind == "$plain":
        return plain_value(content)
    items = [_unpack(item, tensors) for item in content]
    return tuple(items) if kind == "$tuple" else items


def _key(value: Any) -> Any:
    return plain_value(value["$plain"])
