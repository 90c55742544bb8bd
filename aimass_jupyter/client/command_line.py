"""A line of words as a call: the one parser behind the magics and the CLI."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from aimass_jupyter.client.values import as_json
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.operation import Operation, parts
from aimass_jupyter.contract.table import OPERATIONS

#: Options that a face takes itself: what they do, and which operations have them.
FACE_OPTIONS = {
    "wait": "Wait until it has ended, with live progress.",
    "files": "Files and folders that travel with own code, with commas between them.",
    "output": "File to write to.",
    "json": "Answer as JSON.",
    "help": "Show this help.",
}


@dataclass
class Command:
    """An operation with its arguments, and the options of the face."""

    operation: Operation
    arguments: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def parse(words: list[Any]) -> Command:
    """Read a line. A word may also be a Python object (a magic's ``{expr}``), taken as it is.

    Raises
    ------
    InvalidRequest
        Naming the word that is wrong, with the nearest that would be right.
    """
    operation, rest = OPERATIONS.match([w if isinstance(w, str) else "" for w in words])
    return _Reader(operation, words[len(words) - len(rest) :]).read()


def face_options(operation: Operation) -> dict[str, str]:
    """The options that faces add to an operation."""
    wanted = {
        "wait": operation.queues or operation.name == "jobs.attach",
        "files": operation.name == "jobs.submit",
        "output": operation.reply == "bytes",
        "json": True,
        "help": True,
    }
    return {name: text for name, text in FACE_OPTIONS.items() if wanted[name]}


class _Reader:
    """Reads the words after an operation's name, left to right."""

    def __init__(self, operation: Operation, words: list[Any]) -> None:
        self.command = Command(operation)
        self._operation = operation
        self._words = list(words)
        self._positionals = list(operation.positionals)

    def read(self) -> Command:
        while self._words:
            word = self._words.pop(0)
            if word == "--" and "arguments" in self._operation.fields:
                self.command.arguments["arguments"] = [str(rest) for rest in self._words]
                return self.command
            if isinstance(word, str) and word.startswith("--") and len(word) > 2:
                self._read_option(word[2:])
            else:
                self._read_positional(word)
        return self.command

    def _read_positional(self, word: Any) -> None:
        if not self._positionals:
            raise InvalidRequest(
                f"'{self._operation.name}' does not know what to do with '{word}'",
                f"for example: {self._operation.examples[0]}",
            )
        name = self._positionals[0]
        found = convert(name, self._operation.fields[name], word)
        if _takes_texts(self._operation.fields[name]) and isinstance(found, list):
            found = self.command.arguments.get(name, []) + found  # and all words that follow
        else:
            self._positionals.pop(0)
        self.command.arguments[name] = found

    def _read_option(self, text: str) -> None:
        option, given, value = text.partition("=")
        name = option.replace("-", "_")
        if name in self._operation.fields:
            self._read_field(name, value if given else None)
        elif name in face_options(self._operation):
            valued = name in ("output", "files")
            taken = True if not valued else (value if given else self._value(option))
            self.command.options[name] = taken
        elif self._operation.open_field:
            self._read_open(name, value if given else self._value(option))
        else:
            known = [*self._operation.fields, *face_options(self._operation)]
            hint = did_you_mean(option, [name.replace("_", "-") for name in known])
            verb = self._operation.short or f"{self._operation.noun} {self._operation.verb}"
            raise InvalidRequest(f"'{verb}' has no option '--{option}'", hint)

    def _read_field(self, name: str, value: str | None) -> None:
        schema = self._operation.fields[name]
        if schema.annotation is bool and value is None:
            self.command.arguments[name] = True
            return
        found = convert(name, schema, self._value(name) if value is None else value)
        if isinstance(found, list) and name in self.command.arguments:
            found = self.command.arguments[name] + found
        self.command.arguments[name] = found
        if name in self._positionals:
            self._positionals.remove(name)

    def _read_open(self, name: str, value: Any) -> None:
        values = self.command.arguments.setdefault(self._operation.open_field, {})
        values[name] = _json_or_text(value)

    def _value(self, option: str) -> Any:
        if not self._words or str(self._words[0]).startswith("--"):
            raise InvalidRequest(
                f"option '--{option}' needs a value", f"a switch is set so: --{option} true"
            )
        return self._words.pop(0)


def convert(name: str, schema: FieldInfo, value: Any) -> Any:
    """A word as the value of a field; numbers are left to the request's own check."""
    kind = _kind(schema.annotation)
    if not isinstance(value, str):
        return as_json(value)
    if kind is list and _item(schema.annotation) is str:
        return [part.strip() for part in value.split(",") if part.strip()]
    if kind in (list, dict):
        return _json(name, value)
    return value


def _takes_texts(schema: FieldInfo) -> bool:
    return _kind(schema.annotation) is list and _item(schema.annotation) is str


def _kind(annotation: Any) -> Any:
    part = next(part for part in parts(annotation) if part is not type(None))
    return get_origin(part) or part


def _item(annotation: Any) -> Any:
    part = next(part for part in parts(annotation) if part is not type(None))
    item = get_args(part)[0]
    return get_args(item)[0] if get_origin(item) is Annotated else item


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        option = name.replace("_", "-")
        raise InvalidRequest(f"--{option}: not JSON: {error}", f"given: {text[:80]}") from None


def _json_or_text(value: Any) -> Any:
    if not isinstance(value, str):
        return as_json(value)
    try:
        return json.loads(value)
    except ValueError:
        return value
