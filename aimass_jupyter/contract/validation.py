"""From fields to an operation's request model, with a fault that a person can read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.operation import Operation, choices
from aimass_jupyter.contract.wanted import wanted


def build(operation: Operation, fields: dict[str, Any]) -> BaseModel:
    """The request model.

    Raises
    ------
    InvalidRequest
        Naming each field that is wrong, its value and what is wanted.
    """
    unknown = [name for name in fields if name not in operation.fields]
    if unknown:
        raise InvalidRequest(
            f"'{operation.name}' has no field '{unknown[0]}'",
            did_you_mean(unknown[0], operation.fields),
        )
    try:
        return operation.request.model_validate(fields)
    except ValidationError as error:
        raise _invalid(operation, error) from None


def _invalid(operation: Operation, error: ValidationError) -> InvalidRequest:
    faults = error.errors(include_url=False)
    details = [_detail(fault) for fault in faults]
    first, name = details[0], str(faults[0]["loc"][0]) if faults[0]["loc"] else ""
    field = operation.fields.get(name)
    if field is not None and faults[0]["type"] == "literal_error":
        known = choices(field)
        wrong = f"{name}: there is no {first['given']}, there is {', '.join(known)}"
        return InvalidRequest(
            wrong, did_you_mean(str(faults[0]["input"]), known, field.description or ""),
            details=details,
        )  # fmt: skip
    untold = first["given"] is not None and first["given"] not in first["message"]
    given = f" (given: {first['given']})" if untold else ""
    hint = (field.description or "") if field else ""
    return InvalidRequest(f"{first['field']}: {first['message']}{given}", hint, details=details)


def _detail(fault: Any) -> dict[str, Any]:
    given = None if fault["type"] == "missing" else repr(fault["input"])[:100]
    return {"field": ".".join(map(str, fault["loc"])), "message": wanted(fault), "given": given}
