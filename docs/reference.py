"""Writes ``docs/users/reference.md`` from the operation table; ``--check`` compares instead.

It owns that page and reads the contract alone: nothing is written here that the table does not say.
"""

# ruff: noqa: INP001
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.client.command_line import face_options
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.base import Request
from aimass_jupyter.contract.operation import Operation, marks
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS

PAGE = Path(__file__).parent / "users" / "reference.md"

_KINDS = {"string": "text", "object": "mapping", "array": "list", None: "any value"}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
_LONGEST_TEXT = Request.model_config["str_max_length"]

_INTRODUCTION = f"""\
# Reference

Every operation with every field, every answer, the hyperparameters of every algorithm: a page to
look things up in. It is made from the operation table by `python docs/reference.py`, and a test
fails when it is out of date; do not edit it.

An operation has four forms that take the same fields:

| form | how it is written |
|---|---|
| command | `aimass <words> <positional> --option value` in a terminal |
| magic | `%aimass` and the same words in a notebook |
| Python | `client.<noun>.<verb>(…)`, with `client = aimass_jupyter.connect()` |
| REST | method and path below `{API_ROOT}`, JSON in and out |

An option is its field's name with `-` for `_`. Fields that are part of a REST path stand there; the
others travel in the query of `GET` and `DELETE`, and in the JSON body of all else. Unknown fields
are refused. An operation that changes something takes an `Idempotency-Key` header: the same key
with the same request gives the first answer again and does nothing twice. A listing is a page:
`items`, and a `next_token` that asks for the page after it. `--json` answers as JSON.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _short_forms()
    for noun, operations in OPERATIONS.nouns.items():
        yield f"## {noun}\n"
        for operation in operations:
            yield from _operation(operation)
    yield from _algorithms()
    yield from _answers()


def _short_forms() -> Iterator[str]:
    yield "## Short forms\n"
    yield from _table(
        ("short form", "operation", "what it does"),
        [
            (f"`{short}`", f"[{op.name}](#{_anchor(op.name)})", op.help)
            for short, op in OPERATIONS.shorts.items()
        ],
    )


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.name}\n"
    yield f"{operation.help}\n"
    yield from _table(("form", "how it is written"), list(_forms(operation)))
    schema = operation.request.model_json_schema()
    fields = [_field(operation, name, schema) for name in operation.fields]
    if fields:
        yield from _table(("field", "type", "default", "meaning"), fields)
    yield from _notes(operation)
    yield "```"
    yield from (f"aimass {example}" for example in operation.examples)
    yield "```\n"


def _forms(operation: Operation) -> Iterator[tuple[str, str]]:
    words = operation.short or f"{operation.noun} {operation.verb}"
    usage = " ".join([words, *(f"<{name}>" for name in operation.positionals)])
    own = [f"`--{name}`" for name in face_options(operation) if name not in ("help", "json")]
    yield "command", f"`aimass {usage}`" + (f", also with {', '.join(own)}" if own else "")
    if operation.reply != "events":
        yield "magic", f"`%aimass {usage}`"
    yield "Python", f"`{_call(operation)}`"
    yield "REST", f"`{operation.method} {API_ROOT}{operation.path}`"
    yield "right", f"`{operation.permission}`"
    yield "answer", _answer(operation)


def _call(operation: Operation) -> str:
    """The Python form: positional fields, then the others by name."""
    verb = operation.verb.replace("import", "import_")
    named = [name for name in operation.fields if name not in operation.positionals]
    arguments = [*operation.positionals, *(f"{name}=…" for name in named)]
    return f"client.{operation.noun}.{verb}({', '.join(arguments)})"


def _answer(operation: Operation) -> str:
    if operation.reply == "bytes":
        return "the bytes of a file"
    name = operation.response.__name__
    if inner := _item_of_page(operation.response):
        return f"a page of [{inner}](#{_anchor(inner)})"
    stream = "a stream of " if operation.reply == "events" else ""
    return f"{stream}[{name}](#{_anchor(name)})"


def _notes(operation: Operation) -> Iterator[str]:
    files = [name for name, field in operation.fields.items() if marks(field).get("x-file")]
    for name in files:
        yield (
            f"Command, magic and Python take a path as `{name}` and send the file. Over REST it is "
            f"the id of an upload: [uploads.create](#{_anchor('uploads.create')}).\n"
        )
    if operation.open_field:
        yield (
            f"What is no field becomes an entry of `{operation.open_field}`: "
            "see [Hyperparameters](#hyperparameters).\n"
        )
    if operation.body == "bytes":
        yield "Over REST the body is the file's bytes, and the fields travel in the query.\n"


def _field(operation: Operation, name: str, schema: dict[str, Any]) -> tuple[str, ...]:
    field = operation.fields[name]
    own = schema["properties"][name]
    shown = f"`<{name}>`" if name in operation.positionals else f"`--{name.replace('_', '-')}`"
    default = "required" if field.is_required() else _default(field.get_default())
    return shown, _type(own), default, field.description or ""


def _default(value: Any) -> str:
    return "" if value in (None, "", [], {}) else f"`{value}`"


def _type(schema: dict[str, Any]) -> str:
    """A JSON Schema as a person says it, with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in schema:
        parts = [_type(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(parts)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("format") == "date-time":
        return "time"
    kind = _KINDS.get(schema.get("type"), str(schema.get("type")))
    if kind == "list":
        kind = f"list of {_type(schema.get('items', {}))}"
    return ", ".join([kind, *_limits(schema)])


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    for key, words in _LIMITS.items():
        if key in schema and schema[key] != _LONGEST_TEXT:
            yield words.format(schema[key])
    if "pattern" in schema:
        yield f"like `{schema['pattern']}`"
    elif schema.get("maxLength", _LONGEST_TEXT) != _LONGEST_TEXT:
        yield f"at most {schema['maxLength']} characters"


def _algorithms() -> Iterator[str]:
    yield "## Hyperparameters\n"
    yield (
        "As options of `train` (`--epochs 20`), or as `params` in Python and over REST. A name "
        "that an algorithm does not know, or a value out of its limits, is refused at once.\n"
    )
    for name, algorithm in ALGORITHMS.items():
        yield f"### {name}\n"
        yield f"{algorithm.help} Its models are ranked by `{algorithm.metric}`.\n"
        schema = algorithm.hyperparameters.model_json_schema()
        fields = algorithm.hyperparameters.model_fields
        yield from _table(
            ("hyperparameter", "type", "default", "meaning", "group"),
            [
                (
                    f"`--{key.replace('_', '-')}`",
                    _type(schema["properties"][key]),
                    _default(field.get_default()),
                    field.description or "",
                    schema["properties"][key].get("x-group", ""),
                )
                for key, field in fields.items()
            ],
        )


def _answers() -> Iterator[str]:
    yield "## Answers\n"
    yield (
        "What operations answer with: JSON over REST and with `--json`, the same names as "
        "attributes in Python. Times are UTC.\n"
    )
    schemas: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if operation.reply != "bytes":
            _gather(operation.response, schemas)
    for name in sorted(schemas):
        yield f"### {name}\n"
        if about := schemas[name].get("description", "").splitlines():
            yield f"{about[0]}\n"
        rows = [
            (f"`{key}`", _type(own), own.get("description", ""))
            for key, own in schemas[name].get("properties", {}).items()
        ]
        yield from _table(("field", "type", "meaning"), rows)


def _gather(model: type[BaseModel], schemas: dict[str, dict[str, Any]]) -> None:
    """The schema of an answer and of all that it holds; a page is told by what is on it."""
    schema = model.model_json_schema()
    schemas.update(schema.pop("$defs", {}))
    if _item_of_page(model) is None:
        schemas[model.__name__] = schema


def _item_of_page(model: type[BaseModel]) -> str | None:
    """The name of what a page holds; None when the model is no page."""
    arguments = model.__pydantic_generic_metadata__["args"]
    return arguments[0].__name__ if arguments else None


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _anchor(heading: str) -> str:
    """What a heading is called in the address of its page."""
    return heading.lower().replace(".", "").replace(" ", "-")


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or say whether it is up to date; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python docs/reference.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    if not parser.parse_args(arguments).check:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.name} is out of date: run python docs/reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
