"""Mistakes that are seen in code without running it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import did_you_mean
from aimass_jupyter.source.manifest import Use, Uses
from aimass_jupyter.source.names import BUILTINS
from aimass_jupyter.source.problems import Problem
from aimass_jupyter.source.run_members import (
    DATASET_MEMBERS,
    FIRST_ARGUMENT,
    MEMBERS,
    METHODS,
    UNNAMED,
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_MAGIC = re.compile(r"^\s*(%{1,2}\w|!|\?)|\?\s*$")
_READERS = {
    "open", "Path", "read_csv", "read_parquet", "read_json", "read_table", "read_feather",
    "read_excel", "loadtxt", "genfromtxt", "load_file", "fromfile", "load",
}  # fmt: skip
_READING = {"read_text", "read_bytes", "open", "stat", "iterdir"}
_CHANGING = {"append", "extend", "add", "update", "insert", "pop", "remove", "clear", "setdefault"}
_PROMPTS = {
    "input": ("a job has nobody to ask", "take it as an option: run.params.NAME with --NAME VALUE"),
    "breakpoint": ("a job has no debugger to stop in", "take it out, or print instead"),
}
_IN_SCRIPTS = {"input": "take it as an argument: sys.argv, given after --"}


def parse(text: str, where: str) -> ast.Module | Problem:
    """The syntax tree, or the first mistake that Python finds in the text."""
    try:
        tree = ast.parse(text, where)
        compile(text, where, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        return _syntax(error, text, where)
    return tree


def _syntax(error: Exception, text: str, where: str) -> Problem:
    line = int(getattr(error, "lineno", 0) or 0)
    lines = text.splitlines()
    said = lines[line - 1] if 0 < line <= len(lines) else ""
    if _MAGIC.search(said):
        return Problem(
            line, f"'{said.strip()[:40]}' is for the notebook, not for a job",
            "put magics and shell commands into a cell of their own", where,
        )  # fmt: skip
    message = str(getattr(error, "msg", "") or error)
    return Problem(line, f"not Python: {message}", f"look at: {said.strip()[:60]}", where)


def entry_mistakes(tree: ast.Module, name: str) -> list[Problem]:
    """What is wrong with ``def train(run)``."""
    functions = {n.name: n for n in tree.body if isinstance(n, _Function)}
    if name not in functions:
        return [_no_entry(tree, name, functions)]
    return list(_wrong_form(functions[name]))


def _no_entry(tree: ast.Module, name: str, functions: Iterable[str]) -> Problem:
    for node in tree.body:
        inside = [n for n in ast.walk(node) if isinstance(n, _Function) and n.name == name]
        if inside and not isinstance(node, _Function):
            return Problem(
                inside[0].lineno, f"'{name}' is defined inside {_kind(node)}, not at the top",
                f"define it at the top of the cell: def {name}(run):",
            )  # fmt: skip
    near = did_you_mean(name, functions, f"begin with: def {name}(run):")
    return Problem(0, f"the cell defines no function '{name}'", near)


def _kind(node: ast.stmt) -> str:
    return f"'{ast.unparse(node).splitlines()[0][:40]}'"


def _wrong_form(function: _Function) -> Iterator[Problem]:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    required = len(names) - len(arguments.defaults)
    needed = [
        a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not d
    ]
    said = f"{function.name}({ast.unparse(arguments)})"
    if (not names and not arguments.vararg) or required > 1 or needed:
        yield Problem(
            function.lineno, f"{said} must take one argument, run",
            f"write def {function.name}(run): options come as run.params",
        )  # fmt: skip
    if isinstance(function, ast.AsyncFunctionDef):
        yield Problem(
            function.lineno, f"{said} is async", f"write def {function.name}(run): without async"
        )
    yielding = next(
        (n for n in _own_nodes(function) if isinstance(n, ast.Yield | ast.YieldFrom)), None
    )
    if yielding is not None:
        yield Problem(
            yielding.lineno, f"{said} is a generator: calling it runs nothing",
            "log values instead: run.log(step, loss=loss)",
        )  # fmt: skip


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, _Function | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own_nodes(child)


def run_mistakes(tree: ast.Module, name: str, params: Mapping[str, Any]) -> list[Problem]:
    """Uses of ``run`` that cannot work."""
    found: list[Problem] = []
    for node in _uses_of_run(tree, name):
        found += _attribute(node)
    for node in _uses_of_dataset(tree, name):
        found += _attribute(node, "run.dataset", DATASET_MEMBERS)
    for use in params_used(tree, name):
        if use.name not in params:
            option = use.name.replace("_", "-")
            known = did_you_mean(use.name, params, f"give it: --{option} VALUE")
            default = f"or write run.params.get('{use.name}', DEFAULT)"
            message = f"option '--{option}' is not given"
            found.append(Problem(use.line, message, f"{known}, {default}"))
    for call in _calls_of_run(tree, name):
        found += _call(call)
    return found


def _run_name(tree: ast.Module, name: str) -> tuple[str, _Function] | None:
    for node in tree.body:
        if isinstance(node, _Function) and node.name == name:
            arguments = [*node.args.posonlyargs, *node.args.args]
            return (arguments[0].arg, node) if arguments else None
    return None


def _uses_of_run(tree: ast.Module, name: str) -> Iterator[ast.Attribute]:
    """``run.x`` wherever the entry's own argument is meant."""
    found = _run_name(tree, name)
    if found is None:
        return
    run, function = found
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and _is(node.value, run):
            yield node


def _uses_of_dataset(tree: ast.Module, name: str) -> Iterator[ast.Attribute]:
    """``run.dataset.x``."""
    uses = {id(node) for node in _uses_of_run(tree, name) if node.attr == "dataset"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node.value) in uses:
            yield node


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _attribute(
    node: ast.Attribute, of: str = "run", members: frozenset[str] = MEMBERS
) -> list[Problem]:
    if node.attr in members:
        return []
    hint = did_you_mean(node.attr, members, f"it has {', '.join(sorted(members))}")
    return [Problem(node.lineno, f"'{of}' has no '{node.attr}'", hint)]


def _calls_of_run(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    uses = {id(node) for node in _uses_of_run(tree, name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node.func) in uses:
            yield node


def _call(call: ast.Call) -> list[Problem]:
    assert isinstance(call.func, ast.Attribute)
    method = call.func.attr
    if method in MEMBERS - METHODS:
        return [Problem(call.lineno, f"run.{method} is a value, not a function", f"run.{method}")]
    if method in METHODS and (unnamed := _unnamed(call, method)):
        return unnamed
    wanted = FIRST_ARGUMENT.get(method)
    given = call.args or any(k.arg in (None, wanted) for k in call.keywords)
    if wanted is None or given:
        return []
    rest = ", …" if call.keywords else ""
    return [
        Problem(
            call.lineno, f"run.{method}() lacks its '{wanted}'", f"run.{method}({wanted}{rest})"
        )
    ]


def _unnamed(call: ast.Call, method: str) -> list[Problem]:
    """``run.log({"loss": loss}, step=3)`` and ``run.log(3, loss)``: what is logged has a name."""
    takes, first = UNNAMED.get(method, 1), FIRST_ARGUMENT.get(method)
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return []
    twice = bool(call.args) and any(keyword.arg == first for keyword in call.keywords)
    if len(call.args) <= takes and not twice:
        return []
    values = "value" if takes == 1 else "values"
    message = f"run.{method}() takes {takes or 'no'} {values} without a name, not {len(call.args)}"
    if twice:
        message = f"run.{method}() is given its '{first}' twice"
    name = {"log": "loss=loss", "resume": "model=model", "checkpoint": "model=model"}
    shown = ", ".join(filter(None, [first if takes else None, name.get(method, "NAME=VALUE")]))
    return [Problem(call.lineno, message, f"run.{method}({'' if method == 'barrier' else shown})")]


def params_used(tree: ast.Module, name: str) -> list[Use]:
    """``run.params.x`` and ``run.params["x"]``."""
    found = []
    for node in ast.walk(tree):
        inner = getattr(node, "value", None)
        if not (isinstance(inner, ast.Attribute) and inner in list(_uses_of_run(tree, name))):
            continue
        if inner.attr != "params":
            continue
        if isinstance(node, ast.Attribute) and node.attr not in _MAPPING:
            found.append(Use(name=node.attr, line=node.lineno, where="cell"))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found.append(Use(name=str(node.slice.value), line=node.lineno, where="cell"))
    return found


_MAPPING = frozenset({"get", "items", "keys", "values"})


def uses_of(tree: ast.Module, name: str, modules: list[Use]) -> Uses:
    """What the control plane checks: modules, columns of the dataset, whether it reads one."""
    dataset = [node for node in _uses_of_run(tree, name) if node.attr == "dataset"]
    columns = [
        Use(name=str(node.slice.value), line=node.lineno, where="cell")
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and node.value in dataset
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]
    optional = _compared_with_none(tree)
    read = [Use(name="dataset", line=node.lineno, where="cell") for node in dataset if not optional]
    return Uses(modules=modules, columns=columns, dataset=read, params=params_used(tree, name))


def _compared_with_none(tree: ast.AST) -> bool:
    """Whether the code asks if there is a dataset: then it can do without."""
    return any(
        isinstance(node, ast.Compare | ast.If) and "dataset" in ast.unparse(node).splitlines()[0]
        for node in ast.walk(tree)
    )


def call_mistakes(tree: ast.AST, where: str, values: Mapping[str, Any]) -> list[Problem]:
    """Calls that cannot work in a job: prompts, and values that are no functions."""
    found = []
    defined = {n.name for n in ast.walk(tree) if isinstance(n, _Function | ast.ClassDef)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        name = node.func.id
        if name in _PROMPTS and name not in defined:
            said, cure = _PROMPTS[name]
            cure = _IN_SCRIPTS.get(name, cure) if where.endswith(".py") else cure
            found.append(Problem(node.lineno, said, cure, where))
        elif name in values and not callable(values[name]):
            kind = type(values[name]).__name__
            found.append(
                Problem(node.lineno, f"'{name}' is a value of type {kind} here, and is called",
                        "name the function that is meant, or run its cell again", where)
            )  # fmt: skip
    return found


def file_mistakes(tree: ast.AST, where: str, root: Path, sent: Iterable[str]) -> list[Problem]:
    """Files that are read by a name in the code and will not be there."""
    known = set(sent)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _read_file(node, tree)) and name not in known:
            found += _missing_file(name, node.lineno, where, root)
    return found


def _read_file(call: ast.Call, tree: ast.AST) -> str:
    """The literal name of a file that a call reads; empty when it reads none."""
    function = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    first = call.args[0] if call.args else None
    if function not in _READERS or not isinstance(first, ast.Constant):
        return ""
    if not isinstance(first.value, str) or "://" in first.value or first.value.startswith("/proc"):
        return ""
    if function == "Path":
        return first.value if _path_is_read(call, tree) else ""
    modes = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "mode")]
    mode = next((m.value for m in modes if isinstance(m, ast.Constant)), "r")
    writes = isinstance(mode, str) and function == "open" and set(mode) & set("wax+")
    return "" if writes else first.value


def _path_is_read(call: ast.Call, tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.value is call and node.attr in _READING
        for node in ast.walk(tree)
    )


def _missing_file(name: str, line: int, where: str, root: Path) -> list[Problem]:
    path = Path(name)
    if path.is_absolute():
        message, cure = f"there is no file '{name}'", "name one that is there, or send it: --files"
        return [] if path.exists() else [Problem(line, message, cure, where)]
    if (root / path).exists():
        return [
            Problem(line, f"file '{name}' does not travel by itself", f"say --files {name}", where)
        ]
    beside = [entry.name for entry in root.iterdir()] if root.is_dir() else []
    near = did_you_mean(path.name, beside, f"it is looked for in {root}, and sent with --files")
    return [Problem(line, f"there is no file '{name}'", near, where)]


def doubts(tree: ast.Module, where: str, captured: Iterable[str]) -> list[Problem]:
    """What will run, and perhaps not do what is meant."""
    names = set(captured)
    found = [*_guards(tree, where), *_shadows(tree, where)]
    for node in ast.walk(tree):
        changed = _changed(node) & names
        found += [
            Problem(
                int(getattr(node, "lineno", 0)), f"'{name}' is changed in the job's copy alone",
                "log or register what you want to keep: run.log(step, …)", where, warning=True,
            )
            for name in sorted(changed)
        ]  # fmt: skip
    return found


def _changed(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Global):
        return set(node.names)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if node.func.attr in _CHANGING and isinstance(owner, ast.Name):
            return {owner.id}
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    owners = [t.value for t in targets if isinstance(t, ast.Subscript | ast.Attribute)]
    return {owner.id for owner in owners if isinstance(owner, ast.Name)}


def _guards(tree: ast.Module, where: str) -> Iterator[Problem]:
    for node in tree.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            yield Problem(
                node.lineno, "what stands under if __name__ == '__main__' does not run",
                "a job imports the cell and calls train(run)", where, warning=True,
            )  # fmt: skip


def _shadows(tree: ast.Module, where: str) -> Iterator[Problem]:
    for node in tree.body:
        names = [node.name] if isinstance(node, _Function | ast.ClassDef) else []
        names += [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
        for name in names:
            if name in BUILTINS and not name.startswith("_"):
                yield Problem(
                    node.lineno, f"'{name}' hides Python's own {name}()", "give it another name",
                    where, warning=True,
                )  # fmt: skip


def callable_mistakes(function: Any) -> list[Problem]:
    """What is wrong with a function that is given as it is."""
    if not inspect.isfunction(function):
        kind = type(function).__name__
        return [
            Problem(0, f"a {kind} cannot be trained", "give a function: def train(run)", "code")
        ]
    return []
