"""Help texts, made from the table."""

from __future__ import annotations

from aimass_jupyter.client.command_line import face_options
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.operation import Operation, choices
from aimass_jupyter.contract.table import OPERATIONS


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
    usage = " ".join([prefix, name, *(f"<{field}>" for field in operation.positionals)])
    lines = [operation.help, "", f"usage: {usage} [options]"]
    options = [_option(operation, field) for field in operation.fields]
    options += [(f"--{o}", text) for o, text in face_options(operation).items()]
    width = min(26, max(len(option) for option, _ in options) + 2)
    lines += ["", *(f"  {option:<{width}} {text}" for option, text in options)]
    if operation.open_field:
        lines += ["", "Hyperparameters are options too:", *_hyperparameters()]
    lines += ["", "Examples:", *(f"  {prefix} {example}" for example in operation.examples)]
    return "\n".join([*lines, "", f"Needs the right '{operation.permission}'."])


def _hyperparameters() -> list[str]:
    """The hyperparameters of every algorithm, each told once."""
    fields = {
        name: field
        for algorithm in ALGORITHMS.values()
        for name, field in algorithm.hyperparameters.model_fields.items()
    }
    return [
        f"  --{name.replace('_', '-'):<24} {field.description} Default: {field.get_default()}."
        for name, field in fields.items()
    ]


def _option(operation: Operation, name: str) -> tuple[str, str]:
    schema = operation.fields[name]
    text = schema.description or ""
    if known := choices(schema):
        text += f" One of: {', '.join(known)}."
    default = None if schema.is_required() else schema.get_default(call_default_factory=True)
    if default not in (None, "", [], {}):
        text += f" Default: {default}."
    label = f"<{name}>" if name in operation.positionals else "--" + name.replace("_", "-")
    return label, text
