"""Names that a script uses and nothing gives it, found from its syntax. Nothing is run.

A use that every run reaches is a mistake; one that a run may pass by is a doubt. Where names can
come in ways that syntax does not show, nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from aimass_jupyter.contract.errors import did_you_mean
from aimass_jupyter.source.names import BUILTINS, free_names, made_globals
from aimass_jupyter.source.problems import Problem

#: What Python's ``site`` adds for every script.
_OF_SITE = frozenset({"exit", "quit", "copyright", "credits", "license", "help"})
#: Who uses these may make names that no assignment shows.
_MAKERS = frozenset({"exec", "globals", "builtins", "__builtins__"})
_LEAVING = ("exit", "quit", "_exit", "abort")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def undefined_names(text: str, tree: ast.Module, where: str) -> list[Problem]:
    """The names that a script uses and does not have, each where it is used first."""
    if _makes_names(tree):
        return []
    free = free_names(text, tree).keys() - made_globals(text) - _OF_SITE
    missing = {name for name in free if not name.startswith("__")}
    if not missing:
        return []
    reader = _Reader(tree)
    try:
        sure, others = reader.sure(missing), reader.others(missing)
    except RecursionError:  # an expression of a thousand terms, which Python itself can run
        return []
    known = [*reader.defined, *BUILTINS]
    return [
        Problem(
            line, f"name '{name}' is not defined",
            did_you_mean(name, known, "define it, or import it"), where, warning=name not in sure,
        )
        for name, line in (others | sure).items()
    ]  # fmt: skip


def _makes_names(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Name) and node.id in _MAKERS:
            return True
    return False


class _Reader:
    """The statements of a script: those that every run reaches, and all that are not guarded."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._functions = {node.name: node for node in tree.body if isinstance(node, _Function)}
        self.defined = _stored(tree) | {
            node.name for node in ast.walk(tree) if isinstance(node, _Function | ast.ClassDef)
        }

    def sure(self, names: set[str]) -> dict[str, int]:
        """The first line of each name's use that every run reaches."""
        entered = set[str]()
        waiting: list[ast.Module | _Function] = [self._tree]
        found: dict[str, int] = {}
        while waiting:
            scope = waiting.pop()
            of_others = names if isinstance(scope, ast.Module) else names - _locals(scope)
            for part in _reached(scope.body):
                _note(found, _loaded(part), of_others)
                for name in _called(part) & self._functions.keys() - entered:
                    entered.add(name)
                    waiting.append(self._functions[name])
        return found

    def others(self, names: set[str]) -> dict[str, int]:
        """The first line of each name's use, but for those that the script is ready to miss."""
        found: dict[str, int] = {}
        _note(found, _unguarded(self._tree), names)
        return found


def _stored(tree: ast.AST) -> set[str]:
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _locals(function: _Function) -> set[str]:
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return arguments | _stored(function)


def _note(found: dict[str, int], uses: Iterable[ast.Name], names: set[str]) -> None:
    for use in uses:
        if use.id in names:
            found[use.id] = min(use.lineno, found.get(use.id, use.lineno))


def _reached(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """What is evaluated whenever these statements are, up to one that may leave them."""
    for statement in statements:
        if isinstance(statement, _Function):
            yield from statement.decorator_list
        elif isinstance(statement, ast.ClassDef):
            yield from (*statement.decorator_list, *statement.bases)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            yield from (item.context_expr for item in statement.items)
            yield from _reached(statement.body)
        elif isinstance(statement, ast.If) and _is_main(statement.test):
            yield from _reached(statement.body)
        elif isinstance(statement, ast.If | ast.While):
            yield statement.test
        elif isinstance(statement, ast.For | ast.AsyncFor):
            yield statement.iter
        elif isinstance(statement, ast.Match):
            yield statement.subject
        elif not isinstance(statement, ast.Try | ast.TryStar):
            yield statement
        if not isinstance(statement, _Function | ast.ClassDef) and _may_leave(statement):
            return


def _is_main(test: ast.expr) -> bool:
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")


def _may_leave(statement: ast.stmt) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_LEAVING):
            return True
    return False


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node, without annotations: they may be read by nobody."""
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield part


def _loaded(node: ast.AST) -> Iterator[ast.Name]:
    """The names that are read when a node is evaluated; the body of a lambda is not."""
    if isinstance(node, ast.Name):
        yield node
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        yield from _loaded(node.generators[0].iter)  # the rest has names of its own
    elif isinstance(node, ast.IfExp | ast.BoolOp):  # only its first part is, in any case
        yield from _loaded(node.test if isinstance(node, ast.IfExp) else node.values[0])
    elif not isinstance(node, ast.Lambda):
        for child in _children(node):
            yield from _loaded(child)


def _called(node: ast.AST) -> set[str]:
    """The functions that are called by their names when a node is evaluated."""
    if isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp):
        return set()
    inner = set[str]().union(*(_called(child) for child in _children(node)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return inner | {node.func.id}
    return inner


def _unguarded(node: ast.AST) -> Iterator[ast.Name]:
    """The names that are read anywhere, but for what stands in ``try`` or asks for a version."""
    if isinstance(node, ast.Name):
        yield node
        return
    passed = set[int]()
    if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
        passed = {id(part) for part in node.body}
    elif isinstance(node, ast.If) and "version" in ast.unparse(node.test):
        passed = {id(part) for part in (*node.body, *node.orelse)}
    for child in _children(node):
        if id(child) not in passed:
            yield from _unguarded(child)
