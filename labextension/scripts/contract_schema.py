"""Prints the contract as one JSON Schema, from which ``schema.mjs`` makes ``src/schema.ts``, and
the operation table as a server answers it, for the tests.

It owns the translation alone: it decides nothing about the contract and writes no file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]

Mode = Literal["validation", "serialization"]


def contract_schema() -> dict[str, Any]:
    """Every model of the table: requests as they are sent, responses as they are answered."""
    from pydantic.json_schema import GenerateJsonSchema, models_json_schema

    from aimass_jupyter.contract.table import OPERATIONS

    class Answered(GenerateJsonSchema):
        """An answer carries every field, also those that have a default."""

        def field_is_required(self, field: Any, total: bool) -> bool:
            return self.mode == "serialization" or super().field_is_required(field, total)

    wanted: dict[tuple[Any, Mode], None] = {}
    for operation in OPERATIONS:
        wanted[operation.request, "validation"] = None
        wanted[operation.response, "serialization"] = None
    references, schema = models_json_schema(list(wanted), schema_generator=Answered)
    table = {
        operation.name: {
            "request": references[operation.request, "validation"],
            "response": references[operation.response, "serialization"],
        }
        for operation in OPERATIONS
    }
    return {"$defs": _untitled(schema["$defs"]), "table": table, "cards": _cards()}


def _cards() -> list[dict[str, Any]]:
    from aimass_jupyter.contract.table import OPERATIONS

    words = ("name", "short", "method", "path", "permission", "help", "body", "reply", "open_field")
    return [
        {word: getattr(operation, word) for word in words}
        | {
            "examples": list(operation.examples),
            "request": operation.request.model_json_schema(),
            "response": operation.response.model_json_schema(mode="serialization"),
        }
        for operation in OPERATIONS
    ]


def _untitled(node: Any) -> Any:
    """Titles would each become a TypeScript type of their own; a *field* named title stays."""
    if isinstance(node, list):
        return [_untitled(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _untitled(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    json.dump(contract_schema(), sys.stdout)
