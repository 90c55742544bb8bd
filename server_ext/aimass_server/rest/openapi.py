"""The table as an OpenAPI 3.1 document."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from pydantic import BaseModel

from aimass_jupyter import __version__
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from aimass_server.rest.base import AimassHandler

_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "What is wrong."},
        "hint": {"type": "string", "description": "How to mend it."},
        "errors": {"type": "array", "items": {"type": "object"}},
        "retry_after": {"type": "number"},
    },
}


class OpenApiHandler(AimassHandler):
    """Serves the document to whoever may read the system."""

    def permission(self) -> str:
        return "system:read"

    @allow_unauthenticated
    async def get(self) -> None:
        self.finish(json.dumps(document(self.base_url)))


def document(base_url: str = "/") -> dict[str, Any]:
    """The OpenAPI document of every operation."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        entry = _entry(operation, schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "AI Mass for Jupyter", "version": __version__},
        "servers": [{"url": base_url.rstrip("/") + API_ROOT}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _entry(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    request = _schema(operation.request, schemas, "validation")
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.help,
        "tags": [operation.noun],
        "x-permission": operation.permission,
        "parameters": _parameters(operation, request),
        "responses": {
            "200": {"description": "Done.", "content": _content(operation, schemas)},
            "default": {
                "description": "An error.",
                "content": {
                    "application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}
                },
            },
        },
    }
    if operation.takes_json or operation.body == "bytes":
        entry["requestBody"] = _body(operation, request)
    return entry


def _in_query(operation: Operation, field: str) -> bool:
    if field in operation.path_fields:
        return False
    return not operation.takes_json


def _parameters(operation: Operation, request: dict[str, Any]) -> list[dict[str, Any]]:
    required = set(request.get("required", []))
    found = []
    for field, schema in request.get("properties", {}).items():
        place = "path" if field in operation.path_fields else "query"
        if place == "path" or _in_query(operation, field):
            needed = place == "path" or field in required
            found.append({"name": field, "in": place, "required": needed, "schema": schema})
    if operation.changes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 128},
            }
        )
    return found


def _body(operation: Operation, request: dict[str, Any]) -> dict[str, Any]:
    if operation.body == "bytes":
        return {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    fields = {
        name: schema
        for name, schema in request.get("properties", {}).items()
        if name not in operation.path_fields
    }
    required = [name for name in request.get("required", []) if name in fields]
    schema = {"type": "object", "properties": fields, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _content(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    if operation.reply == "bytes":
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    _schema(operation.response, schemas, "serialization")
    kind = "text/event-stream" if operation.reply == "events" else "application/json"
    return {kind: {"schema": {"$ref": _REF.format(model=_name(operation.response))}}}


def _schema(model: type[BaseModel], schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    """The JSON Schema of a model; what it refers to goes into the components."""
    schema = model.model_json_schema(ref_template=_REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    if mode == "serialization":
        schemas[_name(model)] = schema
    return schema


def _name(model: type[BaseModel]) -> str:
    return model.__name__.replace("[", "_").replace("]", "")
