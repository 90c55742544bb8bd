"""From an HTTP request to the fields of an operation; strict."""

from __future__ import annotations

import json
from typing import Any, get_origin

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge
from aimass_jupyter.contract.operation import Operation

MAX_JSON_BYTES = 16 << 20
MAX_DEPTH = 64


def parse_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object; duplicate keys, NaN, deep nesting and broken text are refused.

    Raises
    ------
    InvalidRequest, TooLarge
    """
    if len(body) > MAX_JSON_BYTES:
        raise TooLarge(f"the body has {len(body)} bytes, the limit is {MAX_JSON_BYTES}")
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest("the body must be a JSON object")
    _check(parsed, MAX_DEPTH)
    return parsed


def from_query(operation: Operation, arguments: dict[str, list[bytes]]) -> dict[str, Any]:
    """The fields that travel in the address; a list field may come several times."""
    fields = operation.fields
    found: dict[str, Any] = {}
    for name, values in arguments.items():
        texts = [value.decode(errors="replace") for value in values]
        many = name in fields and get_origin(fields[name].annotation) is list
        if len(texts) > 1 and not many:
            raise InvalidRequest(f"'{name}' is given {len(texts)} times", "give it once")
        found[name] = texts if many else texts[0]
    return found


def _check(value: Any, depth: int) -> None:
    """Refuse what could be read and never written again."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if not depth:
            raise _too_deep()
        if isinstance(value, dict):
            for key in value:
                _check_text(key)
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"the body holds a lone surrogate: {text[error.start]!a}",
            "send text as UTF-8, or both halves of an escaped pair",
        ) from None


def _too_deep() -> InvalidRequest:
    return InvalidRequest(
        f"the body is nested more than {MAX_DEPTH} levels deep", "send it flatter"
    )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found
