"""Definitions: the text of a function, class or type that a notebook defines. Nothing is run."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
import types
from dataclasses import dataclass
from typing import Any, Literal

_Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Found:
    """A definition's text, and the line of its cell or file that it begins with."""

    text: str
    line: int
    kind: Literal["function", "class", "value"]
    name: str


class NoSource(Exception):
    """There is no text to send; the message says why, ``cure`` what to do."""

    def __init__(self, why: str, cure: str) -> None:
        super().__init__(why)
        self.cure = cure


def find_definition(name: str, value: Any) -> Found:
    """The text that defines a function or a class, its decorators included.

    Raises
    ------
    NoSource
        When it was made by other code, closes over something, or its cell is gone.
    """
    plain = inspect.unwrap(value) if callable(value) else value
    if isinstance(plain, types.FunctionType) and plain.__name__ == "<lambda>":
        return _lambda(name, plain)
    if isinstance(plain, types.FunctionType) and "<locals>" not in plain.__qualname__:
        return _by_place(plain)
    found = _by_name(name, value) or _by_statement(name, value)
    if found is None and "<locals>" in getattr(plain, "__qualname__", ""):
        closed = ", ".join(plain.__code__.co_freevars) if hasattr(plain, "__code__") else ""
        raise NoSource(
            "was made inside another function" + (f" and closes over {closed}" if closed else ""),
            "define it at the top of a cell, and pass what it needs as arguments",
        )
    if found is None:
        raise NoSource("has no source text here", "define it in the cell that trains")
    return found


def _by_place(function: types.FunctionType) -> Found:
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise NoSource(
            "has no source text any more", "run the cell that defines it again"
        ) from None
    return Found(textwrap.dedent("".join(lines)), first, "function", function.__name__)


def _lambda(name: str, function: types.FunctionType) -> Found:
    """A lambda that is given a name in a statement of its own."""
    if function.__closure__:
        closed = ", ".join(function.__code__.co_freevars)
        raise NoSource(f"is a lambda that closes over {closed}", "write it as a def with arguments")
    found = _by_place(function)
    try:
        (statement,) = ast.parse(found.text).body
    except (SyntaxError, ValueError):
        raise NoSource("is a lambda inside another expression", "write it as a def") from None
    targets = [ast.unparse(target) for target in getattr(statement, "targets", [])]
    if not isinstance(getattr(statement, "value", None), ast.Lambda) or targets != [name]:
        raise NoSource("is a lambda inside another expression", "write it as a def")
    return Found(found.text, found.line, "function", name)


def _by_name(name: str, value: Any) -> Found | None:
    """The newest definition of a name at the top of any cell, or in the class's own file."""
    wanted = {name, getattr(value, "__name__", name)}
    for text in _texts():
        for node in reversed(_top_level(text)):
            if node.name in wanted and isinstance(node, ast.ClassDef) == isinstance(value, type):
                return _cut(text, node)
    return None


def _by_statement(name: str, value: Any) -> Found | None:
    """The newest statement that makes it: ``Pair = namedtuple("Pair", "x y")``."""
    for text in _texts():
        for node in reversed(_body(text)):
            made = getattr(node, "value", None)
            if _target(node) == name and isinstance(made, ast.Call | ast.Subscript | ast.BinOp):
                source = ast.get_source_segment(text, node) or ""
                is_class = isinstance(value, type)
                return Found(source, node.lineno, "class" if is_class else "value", name)
    return None


def _target(node: ast.stmt) -> str:
    """The one name that a statement gives a value to."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names[0] if len(names) == len(targets) == 1 else ""


def _texts() -> list[str]:
    """The cells that were run, the newest first."""
    cells = [
        "".join(entry[2])
        for name, entry in linecache.cache.items()
        if len(entry) > 2 and ("ipython-input" in name or "ipykernel" in name)
    ]
    main = getattr(__import__("__main__"), "__file__", None)
    return [*reversed(cells), *(["".join(linecache.getlines(main))] if main else [])]


def _top_level(text: str) -> list[_Defined]:
    return [node for node in _body(text) if isinstance(node, _Defined)]


def _body(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError):
        return []


def _cut(text: str, node: _Defined) -> Found:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    lines = text.splitlines(keepends=True)[first - 1 : node.end_lineno]
    is_class = isinstance(node, ast.ClassDef)
    return Found("".join(lines), first, "class" if is_class else "function", node.name)
