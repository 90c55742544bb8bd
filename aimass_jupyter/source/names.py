"""Names: what code uses and what it defines, found from its syntax. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

#: Python's own names; without those that its prompt adds, and IPython where this runs in a kernel.
BUILTINS = frozenset(dir(builtins)) - {
    "exit", "quit", "copyright", "credits", "license", "help",
    "display", "get_ipython", "__IPYTHON__", "execfile", "runfile", "_",
}  # fmt: skip
HIDEABLE = frozenset(name for name in BUILTINS if not name.startswith("_"))
#: What every module has, and what IPython adds; the latter is no name of a job.
MODULE_NAMES = frozenset({"__name__", "__doc__", "__annotations__", "__file__", "__builtins__"})


def free_names(text: str, tree: ast.Module) -> dict[str, int]:
    """The names that a module uses and does not define, each with the line of its first use."""
    table = symtable.symtable(text, "code", "exec")
    free = _used(table) - _defined(table) - BUILTINS - MODULE_NAMES
    return {name: line for name, line in _first_lines(tree).items() if name in free}


def _used(table: symtable.SymbolTable) -> set[str]:
    """Global names that this scope, or one inside it, refers to."""
    top = table.get_type() == "module"
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (top or symbol.is_global())
    }
    return names.union(*(_used(inner) for inner in table.get_children()))


def _defined(table: symtable.SymbolTable) -> set[str]:
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }


def made_globals(text: str) -> set[str]:
    """The names that functions give a value to with ``global``: they may have none before."""
    return _assigned_globals(symtable.symtable(text, "code", "exec"))


def _assigned_globals(table: symtable.SymbolTable) -> set[str]:
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_declared_global() and symbol.is_assigned()
    }
    return names.union(*(_assigned_globals(inner) for inner in table.get_children()))


def _first_lines(tree: ast.Module) -> dict[str, int]:
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return lines


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """The modules that code must have: (name, line, level of a relative import).

    An import that the code itself can do without, inside ``try``, is none of them.
    """
    optional = {id(inner) for block in _tolerant(tree) for inner in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno, node.level


def _tolerant(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements whose imports may fail: in a ``try``, or for a type checker alone."""
    for node in ast.walk(tree):
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if isinstance(node, ast.Try | ast.If) and (typing or getattr(node, "handlers", [])):
            yield from node.body
