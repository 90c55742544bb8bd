"""A form that asks an endpoint: fields by its signature, images to draw, tables to paste."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict

from aimass_jupyter.contract.endpoints import Endpoint, Prediction
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.models import TensorSpec
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

MAX_ROWS = 10_000
KEPT_ROWS = 100
MAX_CLASSES = 20
#: As many inputs are told in text; a table can have hundreds.
MAX_INPUTS_TOLD = 12
_NUMBERS = frozenset({"INT64", "FP32", "FP64"})


def kind_of(spec: TensorSpec) -> str:
    """How an input is asked for: choice, number, boolean, text, image or list."""
    shape = spec.shape[1:]
    if not shape:
        if spec.values:
            return "choice"
        if spec.datatype == "BOOL":
            return "boolean"
        return "number" if spec.datatype in _NUMBERS else "text"
    channels, pixels = (shape[0], shape[1:]) if len(shape) == 3 else (1, shape)
    picture = len(pixels) == 2 and min(pixels) > 1 and channels in (1, 3)
    return "image" if picture and spec.datatype in _NUMBERS else "list"


def endpoint_card(endpoint: Endpoint) -> dict[str, Any]:
    """What the form shows of an endpoint."""
    signature = endpoint.signature
    return {
        **endpoint.model_dump(include={"name", "model", "state", "message"}),
        "inputs": [{**one.model_dump(), "kind": kind_of(one)} for one in signature.inputs],
        "example": signature.example,
    }


def answers(
    prediction: Prediction, endpoint: Endpoint, limit: int | None = None
) -> list[dict[str, Any]]:
    """One entry a row: the prediction, and the classes with their probabilities, likely first."""
    named = {one.name: one.values for one in endpoint.signature.outputs}
    classes, scores = named.get("probabilities"), prediction.outputs.get("probabilities")
    told: list[dict[str, Any]] = [{"value": one} for one in prediction.predictions[:limit]]
    if classes and scores:
        for entry, row in zip(told, scores, strict=False):
            ranked = sorted(zip(classes, row, strict=False), key=lambda pair: -pair[1])
            entry["classes"] = [[name, round(p, 4)] for name, p in ranked[:MAX_CLASSES]]
    return told


class PredictForm(ActionWidget):
    """Asks an endpoint.

    Parameters
    ----------
    endpoint
        Name or id, or the endpoint itself.
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.

    Examples
    --------
    >>> PredictForm("digits")  # doctest: +SKIP
    """

    _esm = script("predict_form.js")
    _css = style("base.css", "fields.css", "model_table.css", "predict_form.css")

    actions = {
        "load": lambda form, _message: form.load(),
        "predict": lambda form, message: form.predict(message),
    }

    card = Dict(help="The endpoint: name, model, state, inputs, an example.").tag(sync=True)
    answer = Dict(help="What it said last: the model, and a prediction a row.").tag(sync=True)

    def __init__(self, endpoint: str | Endpoint, client: Client | None = None) -> None:
        self.endpoint = endpoint if isinstance(endpoint, str) else endpoint.id
        self._endpoint: Endpoint | None = None
        super().__init__(client)

    def begin(self) -> None:
        """Ask on a thread of its own what the endpoint takes."""
        self.act_soon("load")

    def load(self) -> Change:
        """Ask what the endpoint takes now."""
        endpoint: Endpoint = self.client.endpoints.show(self.endpoint)
        may = self.allowed({"predict": "predict:create"})
        return partial(self._show, endpoint, may)

    def predict(self, message: Message) -> Change:
        """Ask the endpoint; the answer goes to the page, its first rows stay."""
        rows = _checked(message.get("rows"))
        prediction: Prediction = self.client.endpoints.predict(self.endpoint, rows)
        known = self._endpoint
        if known is None or known.model != prediction.model:  # it was switched over meanwhile
            known = self.client.endpoints.show(self.endpoint)
        return partial(self._tell, rows, prediction, known)

    def ask(self, rows: Sequence[Mapping[str, Any]]) -> Prediction:
        """Predict from Python; the form shows it too.

        Raises
        ------
        AimassError
            What the endpoint finds wrong with a row.
        """
        prediction: Prediction = self.client.endpoints.predict(self.endpoint, [*map(dict, rows)])
        if self._endpoint is None:
            self.load()()
        assert self._endpoint is not None  # load() has shown it
        self._tell([*map(dict, rows)], prediction, self._endpoint)
        return prediction

    def _show(self, endpoint: Endpoint, may: list[str]) -> None:
        self._endpoint, self.may, self.card = endpoint, may, endpoint_card(endpoint)

    def _tell(self, rows: list[dict[str, Any]], prediction: Prediction, endpoint: Endpoint) -> None:
        if endpoint is not self._endpoint:
            self._show(endpoint, list(self.may))
        told = answers(prediction, endpoint)
        self.send({"kind": "answer", "model": prediction.model, "rows": told})
        self.answer = {
            "model": prediction.model,
            "count": len(rows),
            "rows": answers(prediction, endpoint, KEPT_ROWS),
        }

    def text(self) -> str:
        """The endpoint, what it takes, and what it said last."""
        if not self.card:  # what went wrong stands above it
            return "" if self.problem else f"endpoint {self.endpoint}: not asked for yet."
        inputs = [_input_text(one) for one in self.card["inputs"]]
        more = len(inputs) - MAX_INPUTS_TOLD
        told = ", ".join(inputs[:MAX_INPUTS_TOLD]) + (f" and {more} more" if more > 0 else "")
        head = f"{self.card['name']} · {self.card['model']} · {self.card['state']}"
        row = json.dumps(self.card["example"], ensure_ascii=False)
        shown = row if len(row) < 200 else "…"
        said = [_answer_text(one) for one in self.answer.get("rows", [])[:5]]
        ask = f"next: %aimass predict {self.card['name']} '[{shown}]'"
        return "\n".join([head, f"inputs: {told}", *said, ask])

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self.act_now("load")
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/plain": "\n".join([*self._fault(), self.text()]).strip()}, metadata

    def _fault(self) -> list[str]:
        """What went wrong last, and its cure."""
        if not self.problem:
            return []
        hint = self.problem["hint"]
        return [self.problem["message"], *([f"  → {hint}"] if hint else [])]


def _checked(rows: Any) -> list[dict[str, Any]]:
    """Rows as a page sent them.

    Raises
    ------
    InvalidRequest
        When there is none, or too many.
    """
    if not isinstance(rows, list) or not rows:
        raise InvalidRequest("there is no row to predict", "fill in the form, or paste a table")
    if len(rows) > MAX_ROWS:
        raise InvalidRequest(
            f"{len(rows):,} rows are more than the {MAX_ROWS:,} that are taken at once",
            "paste them in parts",
        )
    return rows


def _input_text(one: Mapping[str, Any]) -> str:
    shape = "×".join(map(str, one["shape"][1:]))
    return f"{one['name']} ({one['kind']}{' ' + shape if shape else ''})"


def _answer_text(row: Mapping[str, Any]) -> str:
    likely = ", ".join(f"{name} {p:.0%}" for name, p in row.get("classes", [])[:3])
    return f"answer: {row['value']}" + (f" ({likely})" if likely else "")
