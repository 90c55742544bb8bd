"""Members of modules: ``torch.nn.Linaer`` is seen before a job runs.

Only modules that are loaded here are asked; nothing is imported. What code may mean to do without
(inside ``try``, or below an ``if`` about that module) is left alone, and so are modules beside the
notebook: the file may be newer than what was imported of it.
"""

from __future__ import annotations

import ast
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import did_you_mean
from aimass_jupyter.source.problems import Problem


def member_mistakes(
    tree: ast.AST, where: str, namespace: Mapping[str, Any], root: Path
) -> list[Problem]:
    """The members of modules that code names and that are not there."""
    known = _modules(tree, namespace, root)
    found = []
    for node in _certain(tree, known):
        chain = _chain(node)
        problem = _missing(known[chain[0]], chain[1:], root) if chain[0] in known else None
        if problem is not None:
            found.append(Problem(node.lineno, *problem, where))
    return sorted({*found, *_import_mistakes(tree, known, where, root)})


def _import_mistakes(
    tree: ast.AST, known: Mapping[str, Any], where: str, root: Path
) -> Iterator[Problem]:
    """``from torch.nn import Linaer``."""
    for node in _sure(tree, known):
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        module = sys.modules.get(node.module or "")
        if module is None or _is_local(module, root):
            continue
        for name in [alias.name for alias in node.names if alias.name != "*"]:
            if (problem := _missing(module, [name], root)) is not None:
                yield Problem(node.lineno, *problem, where)


def _modules(
    tree: ast.AST, namespace: Mapping[str, Any], root: Path
) -> dict[str, types.ModuleType]:
    """The names that stand for a module in this code, and for nothing else."""
    bound = _bound(tree)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - bound
    known = {n: v for n in used if isinstance(v := namespace.get(n), types.ModuleType)}
    for name, module in _imported(tree):
        if name not in bound and module in sys.modules:
            known[name] = sys.modules[module]
    return {name: module for name, module in known.items() if not _is_local(module, root)}


def _bound(tree: ast.AST) -> set[str]:
    """Names that are given a value otherwise than by ``import``: they may stand for anything."""
    names = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names |= {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return names | {n.name for n in ast.walk(tree) if isinstance(n, defined)}


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _is_local(module: types.ModuleType, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return False
    path = Path(file)
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _certain(tree: ast.AST, known: Mapping[str, Any]) -> Iterator[ast.Attribute]:
    """The longest dotted names that code reads, come what may."""
    for node in _sure(tree, known):
        if isinstance(node, ast.Attribute) and _chain(node) and isinstance(node.ctx, ast.Load):
            yield node


def _sure(tree: ast.AST, known: Mapping[str, Any]) -> Iterator[ast.AST]:
    """The parts of code that it does not mean to do without; of a dotted name the whole."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Try) and node.handlers:
            pending += [*node.orelse, *node.finalbody, *node.handlers]
            continue
        yield node
        choice = isinstance(node, ast.If | ast.IfExp | ast.BoolOp) and _asks(node, known)
        if not choice and not (isinstance(node, ast.Attribute) and _chain(node)):
            pending += ast.iter_child_nodes(node)


def _asks(node: ast.If | ast.IfExp | ast.BoolOp, known: Mapping[str, Any]) -> bool:
    """Whether a choice looks at a module: ``if hasattr(torch, "compile")``."""
    test = node.values[0] if isinstance(node, ast.BoolOp) else node.test
    names = {inner.id for inner in ast.walk(test) if isinstance(inner, ast.Name)}
    return not names.isdisjoint(known) or "TYPE_CHECKING" in ast.dump(test)


def _chain(node: ast.AST) -> list[str]:
    """``["torch", "nn", "Linear"]``; empty when it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def _missing(module: types.ModuleType, parts: list[str], root: Path) -> tuple[str, str] | None:
    """What a module lacks, and the nearest that it has."""
    for part in parts:
        inner = vars(module).get(part)
        if inner is None and not _has(module, part):
            near = [name for name in dir(module) if not name.startswith("_")]
            name = module.__name__
            return f"module '{name}' has no '{part}'", did_you_mean(part, near, f"see: dir({name})")
        if not isinstance(inner, types.ModuleType) or _is_local(inner, root):
            return None
        module = inner
    return None


def _has(module: types.ModuleType, name: str) -> bool:
    """Whether a module has a member, gives it when asked, or could have it as a submodule."""
    if name in dir(module) or f"{module.__name__}.{name}" in sys.modules:
        return True
    folders = getattr(module, "__path__", None)
    if folders is not None and PathFinder.find_spec(f"{module.__name__}.{name}", folders):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return hasattr(module, name)
        except Exception:  # noqa: BLE001 - a module may make it when asked, and fail
            return True
