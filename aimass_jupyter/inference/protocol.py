"""The Open Inference Protocol v2, its JSON form: requests checked against a signature, answers.

(github.com/kserve/open-inference-protocol.) It knows no sockets and no network. An integer or a
float of any width is taken where the signature wants a number, because clients differ; nothing
else is converted: a text is no number, and true is not 1.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge, did_you_mean
from aimass_jupyter.contract.models import Signature, TensorSpec
from aimass_jupyter.inference.tensors import read_tensor, write_tensor

Array = npt.NDArray[Any]

MAX_ROWS = 100_000


class Malformed(InvalidRequest):
    """The body is no request of the protocol at all."""

    status = 400


@dataclass(frozen=True)
class InferRequest:
    """A request that fits the signature."""

    id: str | None
    columns: dict[str, Array]
    rows: int
    outputs: tuple[str, ...]


class Protocol:
    """Requests and answers of one model version.

    Parameters
    ----------
    nullable
        Inputs in which null stands for a missing value, because training saw some.
    """

    def __init__(
        self, name: str, version: str, signature: Signature, nullable: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self.version = version
        self.signature = signature
        self.nullable = nullable
        self._inputs = {spec.name: spec for spec in signature.inputs}
        self._outputs = {spec.name: spec for spec in signature.outputs}

    def metadata(self) -> bytes:
        """The model metadata response, with classes and an example as parameters."""
        return _encode(
            {
                "name": self.name,
                "versions": [self.version],
                "platform": "aimass_onnx",
                "inputs": [_describe(spec) for spec in self.signature.inputs],
                "outputs": [_describe(spec) for spec in self.signature.outputs],
                "parameters": {"example": self.signature.example},
            }
        )

    def decode(self, body: bytes) -> InferRequest:
        """Read an inference request.

        Raises
        ------
        Malformed
            When the body is not JSON, or not a request (status 400).
        InvalidRequest
            When it does not fit the signature; the message names the input (status 422).
        TooLarge
            When it asks for too many rows (status 413).
        """
        request = _parse(body)
        tensors = self._by_name(_objects(request, "inputs"), self._inputs, "input")
        if missing := [name for name in self._inputs if name not in tensors]:
            wanted = self._inputs[missing[0]]
            raise InvalidRequest(
                f"input '{missing[0]}' is missing",
                f"send {wanted.datatype} of the shape {wanted.shape}, where -1 is the rows",
            )
        columns = {
            name: read_tensor(spec, tensors[name], name in self.nullable)
            for name, spec in self._inputs.items()
        }
        identifier = request.get("id")
        if identifier is not None and not isinstance(identifier, str):
            raise Malformed("the 'id' of a request is a text")
        return InferRequest(identifier, columns, self._rows(columns), self._wanted(request))

    def encode(self, request: InferRequest, outputs: dict[str, Array]) -> bytes:
        """Write the inference response."""
        answer: dict[str, Any] = {"model_name": self.name, "model_version": self.version}
        if request.id is not None:
            answer["id"] = request.id
        answer["outputs"] = [
            write_tensor(self._outputs[name], outputs[name]) for name in request.outputs
        ]
        return _encode(answer)

    def _rows(self, columns: dict[str, Array]) -> int:
        counts = {name: len(values) for name, values in columns.items()}
        rows = next(iter(counts.values()))
        if odd := next((name for name, count in counts.items() if count != rows), None):
            first = next(iter(counts))
            raise InvalidRequest(
                f"input '{odd}' has {counts[odd]:,} rows, and input '{first}' has {rows:,}",
                "send as many rows for every input",
            )
        if rows > MAX_ROWS:
            raise TooLarge(
                f"the request has {rows:,} rows, over the limit of {MAX_ROWS:,}",
                "send them in several requests",
            )
        return rows

    def _wanted(self, request: dict[str, Any]) -> tuple[str, ...]:
        if not request.get("outputs"):
            return tuple(self._outputs)
        return tuple(self._by_name(_objects(request, "outputs"), self._outputs, "output"))

    def _by_name(
        self, tensors: list[dict[str, Any]], known: dict[str, TensorSpec], what: str
    ) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for tensor in tensors:
            name = tensor.get("name")
            if not isinstance(name, str):
                raise Malformed(f"an {what} has no 'name'")
            if name not in known:
                raise InvalidRequest(
                    f"model '{self.name}' has no {what} '{name[:100]}'",
                    did_you_mean(name[:100], known),
                )
            if name in found:
                raise InvalidRequest(f"{what} '{name}' is given twice", "send it once")
            found[name] = tensor
        return found


def _describe(spec: TensorSpec) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": spec.name, "datatype": spec.datatype, "shape": spec.shape,
    }  # fmt: skip
    return described | ({"parameters": {"values": spec.values}} if spec.values else {})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(
            body, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except InvalidRequest:
        raise
    except RecursionError:
        raise Malformed("the request is nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"the request is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise Malformed("the request is not a JSON object", "send {'inputs': [...]}")
    return request


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise Malformed(f"the key '{twice[:100]}' stands twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise Malformed(f"the request holds {name}, which is not JSON", "send finite numbers")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Malformed(f"the request holds {text[:40]}, which is too large for a number")
    return number


def _objects(request: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = request.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(f"'{key}' of a request is a list of objects", f"send {{'{key}': [...]}}")
    return value


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
