"""Capture: from a piece of code and its notebook to all that it needs from there."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import did_you_mean
from aimass_jupyter.source.definitions import Found, NoSource, find_definition
from aimass_jupyter.source.instances import class_named
from aimass_jupyter.source.manifest import Form, Use
from aimass_jupyter.source.members import member_mistakes
from aimass_jupyter.source.modules import Modules, local_names, needed_modules, take_local
from aimass_jupyter.source.names import BUILTINS, HIDEABLE, free_names, made_globals
from aimass_jupyter.source.objects import MODULES_OF_FORMS, Encoder
from aimass_jupyter.source.problems import Problem
from aimass_jupyter.source.refusals import CannotTravel

#: Names that only a notebook has.
_ONLY_HERE = {
    "get_ipython": ("a job has no IPython", "leave magics and shell commands out of the cell"),
    "display": ("a job shows nothing", "print it, or log it: run.log(step, …)"),
    "exit": ("a job has no prompt to leave", "return from train"),
    "quit": ("a job has no prompt to leave", "return from train"),
    "In": ("a job has no cells before it", "name the value in a cell first"),
    "Out": ("a job has no cells before it", "name the value in a cell first"),
}


@dataclass
class Captured:
    """What is taken along from a notebook, by name; ``definitions`` in the order to run them."""

    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    definitions: dict[str, Found] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    objects: dict[str, tuple[Form, bytes, str]] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)
    modules: Modules = field(default_factory=Modules)
    problems: list[Problem] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    rebound: set[str] = field(default_factory=set)


class Capture:
    """Takes names from a notebook, and those that their definitions use.

    Parameters
    ----------
    namespace
        The notebook's variables.
    root
        The folder of the notebook: modules in it travel.
    """

    def __init__(self, namespace: Mapping[str, Any], root: Path) -> None:
        self.found = Captured()
        self._namespace = namespace
        self._root = root
        self._taken: set[str] = set()
        self._pending: list[tuple[str, str, ast.Module]] = []
        self._uses: dict[str, set[str]] = {}
        self._here = {"__main__", str(namespace.get("__name__"))}
        self._beside = local_names(root)

    def take_names_of(self, text: str, tree: ast.Module, where: str) -> None:
        """Take what code uses and does not define, and what that uses in turn."""
        self._look_at(text, tree, where)
        self._look_at_pending()

    def take_definition(self, name: str, value: Any, line: int, where: str) -> None:
        """Take a function or a class with all that it uses."""
        self._take_definition(name, value, line, where)
        self._look_at_pending()

    def _look_at_pending(self) -> None:
        """Look at definitions one by one: a chain of them may be as long as it likes."""
        while self._pending:
            name, text, tree = self._pending.pop()
            self._uses[name] = set(free_names(text, tree))
            self._look_at(text, tree, f"function '{name}'")
        order = _dependencies_first(self._uses)
        found = self.found.definitions
        self.found.definitions = {name: found[name] for name in order if name in found}

    def _look_at(self, text: str, tree: ast.Module, where: str) -> None:
        needed_modules(tree, where, self._root, self.found.modules)
        self.found.problems += member_mistakes(tree, where, self._namespace, self._root)
        made = made_globals(text)
        self.found.rebound |= made & self._namespace.keys()
        for name, line in free_names(text, tree).items():
            if name in self._namespace or name not in made:
                self._take(name, line, where)
        self._take_hidden_builtins(tree)

    def _take_definition(self, name: str, value: Any, line: int, where: str) -> None:
        try:
            found = find_definition(name, value)
            tree = ast.parse(found.text)
        except NoSource as error:
            self._refuse(line, where, f"'{name}' {error}", error.cure)
            return
        except SyntaxError:
            self._refuse(line, where, f"'{name}' has no whole text", "define it in one statement")
            return
        if found.name != name:
            self.found.aliases[name] = found.name
        if found.name not in self.found.definitions:
            self._taken.add(found.name)
            self.found.definitions[found.name] = found
            self._pending.append((found.name, found.text, tree))

    def _take(self, name: str, line: int, where: str) -> None:
        if name in self._taken:
            return
        self._taken.add(name)
        if name in _ONLY_HERE:
            self._refuse(line, where, *_ONLY_HERE[name])
        elif name in self._namespace:
            self._take_value(name, self._namespace[name], line, where)
        else:
            near = did_you_mean(name, [*self._known(), *BUILTINS], "define it, or run its cell")
            self._refuse(line, where, f"name '{name}' is not defined", near)

    def _known(self) -> list[str]:
        return [name for name in self._namespace if not name.startswith("_")]

    def _take_hidden_builtins(self, tree: ast.AST) -> None:
        """A notebook may have given a builtin's name to something of its own."""
        for node in ast.walk(tree):
            hidden = isinstance(node, ast.Name) and node.id in HIDEABLE & self._namespace.keys()
            if isinstance(node, ast.Name) and hidden:
                value = self._namespace[node.id]
                if not callable(value) and node.id not in self._taken:
                    self._taken.add(node.id)
                    self.found.values[node.id] = value
                    self.found.problems.append(_hidden(node, value))

    def _take_value(self, name: str, value: Any, line: int, where: str) -> None:
        self.found.values[name] = value
        if isinstance(value, types.ModuleType):
            self._take_import(name, value.__name__, "", line, where)
        elif (place := self._place(value)) is not None:
            self._take_import(name, *place, line, where)
        elif self._is_definition(name, value):
            self._take_definition(name, value, line, where)
        else:
            self._take_object(name, value, line, where)

    def _is_definition(self, name: str, value: Any) -> bool:
        """Whether its text makes it: of a partial function, where that names no data."""
        if not isinstance(value, functools.partial):
            return isinstance(value, type) or _is_function(value) or _is_typing(value)
        try:
            text = find_definition(name, value).text
        except NoSource:
            return False
        used = [self._namespace.get(n) for n in free_names(text, ast.parse(text))]
        return all(isinstance(v, types.ModuleType | type) or _is_function(v) for v in used)

    def _place(self, value: Any) -> tuple[str, str] | None:
        """Module and attribute from which a function, a class, … can be imported again."""
        module = getattr(value, "__module__", None)
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
            return None
        if module == self._namespace.get("__name__") or "<" in name or "." in name:
            return None
        return (module, name) if getattr(sys.modules.get(module), name, None) is value else None

    def _take_import(self, name: str, module: str, attribute: str, line: int, where: str) -> None:
        top = module.partition(".")[0]
        if top == "__main__":
            self._refuse(
                line, where, f"'{name}' is the notebook itself", "name what you need of it"
            )
            return
        self.found.imports[name] = (module, attribute)
        modules = self.found.modules
        if not take_local(top, self._root, modules) and top not in sys.stdlib_module_names:
            modules.uses.append(Use(name=top, line=line, where=where))

    def _take_object(self, name: str, value: Any, line: int, where: str) -> None:
        encoder = Encoder(self._here, self._beside)
        try:
            form, content = encoder.encode(value)
        except CannotTravel as error:
            self._refuse(line, where, f"'{name}' {error.what} and cannot travel", error.cure)
            return
        kind = type(value)
        self.found.objects[name] = (form, content, f"{kind.__module__}.{kind.__qualname__}")
        if (module := MODULES_OF_FORMS.get(form)) is not None:
            self.found.modules.uses.append(Use(name=module, line=line, where=where))
        for own in dict.fromkeys(encoder.classes):
            self._take_class_of(name, own, line, where)

    def _take_class_of(self, name: str, kind: type, line: int, where: str) -> None:
        """Take the class of an object that travels."""
        if kind.__module__ not in self._here:
            take_local(kind.__module__.partition(".")[0], self._root, self.found.modules)
            return
        first = kind.__qualname__.partition(".")[0]
        if class_named(kind.__qualname__, self._namespace) is not kind:
            self._refuse(
                line, where, f"'{name}' was made of an earlier class '{kind.__qualname__}'",
                "run the cell that makes it again",
            )  # fmt: skip
            return
        self.found.needs.setdefault(name, []).append(first)
        self._uses.setdefault(name, set()).add(first)
        self._take(first, line, where)

    def _refuse(self, line: int, where: str, message: str, cure: str) -> None:
        self.found.problems.append(Problem(line, message, cure, where))


def _is_function(value: Any) -> bool:
    """Whether a definition made it, also when a decorator made an object of that (a cache)."""
    wraps = not isinstance(value, types.FunctionType) and "__wrapped__" in _own_attributes(value)
    return isinstance(inspect.unwrap(value) if wraps else value, types.FunctionType)


def _is_typing(value: Any) -> bool:
    """Whether it says what values are: a TypeVar, ``dict[str, int]``, ``int | None``."""
    alias = isinstance(value, types.GenericAlias | types.UnionType)
    return alias or type(value).__module__ == "typing"


def _own_attributes(value: Any) -> Mapping[str, Any]:
    """An object's own attributes: one that answers to any name is not asked for them."""
    found = getattr(value, "__dict__", {})
    return found if isinstance(found, Mapping) else {}


def _dependencies_first(uses: Mapping[str, set[str]]) -> list[str]:
    """Names in an order in which each comes after those that it uses, as far as they allow."""
    order: dict[str, None] = {}
    for first in sorted(uses):
        path = [(first, iter(sorted(uses[first])))]
        seen = {first}
        while path:
            name, others = path[-1]
            following = next((n for n in others if n in uses and n not in seen), None)
            if following is None:
                order.setdefault(name)
                path.pop()
            elif following not in order:
                seen.add(following)
                path.append((following, iter(sorted(uses[following]))))
    return list(order)


def _hidden(node: ast.Name, value: Any) -> Problem:
    return Problem(
        node.lineno,
        f"'{node.id}' is {type(value).__name__} {str(value)[:30]!r} in this notebook, "
        "and Python's own in a job",
        f"give yours another name, and: del {node.id}",
        warning=False,
    )
