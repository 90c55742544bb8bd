"""Help texts, made from the table; as wide as the terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

from pydantic.fields import FieldInfo

from aimass_jupyter.client.command_line import face_options
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.operation import Operation, choices, marks
from aimass_jupyter.contract.table import OPERATIONS

NARROWEST, WIDEST = 60, 110


def overview(prefix: str) -> str:
    """Every verb, the short forms first, each with its line of help."""
    lines = [f"usage: {prefix} <verb> [options]", "", "Short forms:"]
    lines += [f"  {short:<12} {op.help}" for short, op in OPERATIONS.shorts.items()]
    lines += ["", "All verbs, by noun:"]
    for noun, operations in OPERATIONS.nouns.items():
        lines.append(f"  {noun:<12} {', '.join(op.verb for op in operations)}")
    lines += ["", f"More on a verb: {prefix} help train"]
    return "\n".join(lines)


def of(operation: Operation, prefix: str) -> str:
    """What an operation does, takes and needs, with examples."""
    name = operation.short or f"{operation.noun} {operation.verb}"
    usage = " ".join(
        [prefix, name, *(_positional(operation, field) for field in operation.positionals)]
    )
    lines = [operation.help, "", f"usage: {usage} [options]"]
    options = [_option(operation, field) for field in operation.fields]
    options += [(f"--{o}", text) for o, text in face_options(operation).items()]
    lines += ["", *_columns(options)]
    if operation.open_field:
        lines += ["", "Hyperparameters are options too:", *_hyperparameters()]
    lines += ["", "Examples:", *(f"  {prefix} {example}" for example in operation.examples)]
    return "\n".join([*lines, "", f"Needs the right '{operation.permission}'."])


def _hyperparameters() -> list[str]:
    """The hyperparameters of every algorithm, each told once, with the choices of all."""
    fields: dict[str, list[FieldInfo]] = {}
    for algorithm in ALGORITHMS.values():
        for name, field in algorithm.hyperparameters.model_fields.items():
            fields.setdefault(name, []).append(field)
    return _columns([(_flag(name), _meaning(*each)) for name, each in fields.items()])


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _columns(options: list[tuple[str, str]]) -> list[str]:
    """Names and what they mean, beside each other."""
    width = min(26, max(len(option) for option, _ in options) + 2)
    terminal = shutil.get_terminal_size((WIDEST, 24)).columns
    text = textwrap.TextWrapper(
        width=max(NARROWEST, min(WIDEST, terminal)),
        subsequent_indent=" " * (width + 3),
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = []
    for option, meaning in options:
        text.initial_indent = f"  {option:<{width}} "
        lines += text.wrap(meaning)
    return lines


def _default(value: Any) -> str:
    """What holds when nothing is said; for what is off then, nothing."""
    is_off = value is None or value is False or value in ("", [], {})
    return "" if is_off else f" Default: {value}."


def _meaning(field: FieldInfo, *others: FieldInfo) -> str:
    """What a field is, what it can be here or in others, what it is when nothing is said."""
    known = dict.fromkeys(value for each in (field, *others) for value in choices(each))
    if marks(field).get("x-completes") == "algorithms":
        known = dict.fromkeys(ALGORITHMS)
    one_of = f" One of: {', '.join(known)}." if known else ""
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return f"{field.description or ''}{one_of}{_default(default)}"


def _option(operation: Operation, name: str) -> tuple[str, str]:
    mark = _positional(operation, name) if name in operation.positionals else _flag(name)
    return mark, _meaning(operation.fields[name])


def _positional(operation: Operation, name: str) -> str:
    return f"<{name}>" if operation.fields[name].is_required() else f"[{name}]"
