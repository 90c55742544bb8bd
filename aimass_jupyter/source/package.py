"""Packages: a cell, a function or a script as an archive, with the list of what is in it."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.source import archive, mistakes
from aimass_jupyter.source.capture import Capture, Captured
from aimass_jupyter.source.manifest import (
    CODE,
    DIFF,
    FILES,
    NOTEBOOK,
    OBJECTS,
    Alias,
    DataObject,
    Definition,
    Import,
    Item,
    Manifest,
    Uses,
)
from aimass_jupyter.source.modules import (
    Modules,
    local_names,
    missing_modules,
    needed_modules,
    read_files,
)
from aimass_jupyter.source.problems import Problem, refuse
from aimass_jupyter.source.repository import Description, describing
from aimass_jupyter.source.script_names import undefined_names

ENTRY = "cell.py"
MAX_SCRIPT_BYTES = 1024**2
_SUFFIXES = {"json": "json", "npy": "npy", "torch": "npy"}


@dataclass(frozen=True)
class Package:
    """Own code, ready to be sent."""

    name: str
    manifest: Manifest
    members: Mapping[str, bytes]
    warnings: list[Problem] = field(default_factory=list)

    @cached_property
    def content(self) -> bytes:
        """The archive."""
        return archive.pack(self.manifest, self.members)

    @property
    def digest(self) -> str:
        """SHA-256 of the archive: the same code and data give the same one."""
        return archive.digest_of(self.content)

    @property
    def items(self) -> list[Item]:
        """What travels."""
        return self.manifest.items


def pack_cell(
    text: str,
    namespace: Mapping[str, Any],
    root: Path,
    *,
    params: Mapping[str, Any] | None = None,
    files: Iterable[str | Path] = (),
    magic: str = "",
) -> Package:
    """Pack a cell that defines ``train(run)``, with all that it needs from its notebook.

    Parameters
    ----------
    magic
        The line above the cell; it stays, as a comment, so that lines keep their numbers.

    Raises
    ------
    WrongCode
        Naming each mistake, with its line and its cure.
    """
    text = f"# {magic}\n{text}" if magic else text
    tree = mistakes.parse(text, "cell")
    if isinstance(tree, Problem):
        refuse([tree])
        raise AssertionError  # refuse() raised
    problems = mistakes.entry_mistakes(tree, "train")
    item = Item(name="cell", kind="cell", size_bytes=len(text.encode()), origin="this cell")
    entry = _Entry("train", text, tree, "cell", item)
    with describing(root) as described:
        capture = Capture(namespace, root)
        capture.take_names_of(text, tree, "cell")
        return _function_package(entry, capture.found, problems, root, params, files, described)


def pack_function(
    function: Any,
    *,
    params: Mapping[str, Any] | None = None,
    files: Iterable[str | Path] = (),
    root: Path | None = None,
) -> Package:
    """Pack a function of one argument, ``run``, with all that it uses.

    Raises
    ------
    WrongCode
        Naming each mistake, with its line and its cure.
    """
    refuse(mistakes.callable_mistakes(function))
    root = root or Path.cwd()
    name = function.__name__
    capture = Capture(function.__globals__, root)
    capture.take_definition(name, function, 0, "code")
    refuse(capture.found.problems)
    found = capture.found.definitions.pop(capture.found.aliases.pop(name, name))
    tree = mistakes.parse(found.text, "code")
    if isinstance(tree, Problem):
        refuse([tree])
        raise AssertionError  # refuse() raised
    where = f"function '{found.name}'"
    size = len(found.text.encode())
    item = Item(name=found.name, kind="function", size_bytes=size, origin="the function itself")
    entry = _Entry(found.name, found.text, tree, where, item)
    problems = mistakes.entry_mistakes(tree, found.name)
    with describing(root) as described:
        return _function_package(entry, capture.found, problems, root, params, files, described)


def pack_script(path: Path, files: Iterable[str | Path] = ()) -> Package:
    """Pack a script with the modules beside it.

    Raises
    ------
    InvalidRequest
        When there is no such file, or it is no script.
    WrongCode
        Naming each mistake, with its line and its cure.
    """
    content = _read_script(path)
    root = path.parent.resolve()
    with describing(root) as described:
        return _script_package(path.name, content, root, read_files(files, root), described)


def pack_script_text(filename: str, content: bytes) -> Package:
    """Pack a script that came without a folder: it has no modules beside it, and no files."""
    return _script_package(_script_name(Path(filename)), content, None, {}, lambda: (None, b""))


def _read_script(path: Path) -> bytes:
    if not path.is_file():
        folder = path.parent
        beside = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise InvalidRequest(
            f"there is no file '{path}'",
            did_you_mean(path.name, beside, f"this folder is {Path.cwd()}"),
        )
    _script_name(path)
    return path.read_bytes()


def _script_name(path: Path) -> str:
    if path.suffix == ".ipynb":
        raise InvalidRequest(
            f"'{path.name}' is a notebook, not a script",
            "put %%aimass train above the cell that defines train(run)",
        )
    if path.suffix != ".py":
        raise InvalidRequest(f"'{path.name}' is no Python file", "name a file that ends with .py")
    return path.name


def _script_package(
    name: str,
    content: bytes,
    root: Path | None,
    files: Mapping[str, bytes],
    described: Callable[[], Description],
) -> Package:
    if len(content) > MAX_SCRIPT_BYTES:
        raise InvalidRequest(
            f"script '{name}' has {len(content):,} bytes, over {MAX_SCRIPT_BYTES:,}",
            "put its data into files: --files NAME",
        )
    text = _decoded(name, content)
    tree = mistakes.parse(text, name)
    if isinstance(tree, Problem):
        refuse([tree])
        raise AssertionError  # refuse() raised
    problems = mistakes.call_mistakes(tree, name, {}) + undefined_names(text, tree, name)
    modules = _modules_of_script(tree, name, root)
    if root is not None:
        problems += mistakes.file_mistakes(tree, name, root, files)
        problems += _absent_here(modules, root)
    refuse([*problems, *modules.problems])
    members = {f"{CODE}/{name}": content} | _module_members(modules)
    items = [Item(name=name, kind="script", size_bytes=len(content), origin=_folder(root))]
    items += _module_items(modules, root)
    manifest = Manifest(kind="script", entry=name, label=name, items=items,
                        uses=Uses(modules=modules.uses))  # fmt: skip
    return _finished(Path(name).stem, manifest, members, files, described(), problems)


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        refuse([Problem(line, "not Python: it is no UTF-8 text", "save it as UTF-8", name)])
        raise


def _modules_of_script(tree: ast.Module, name: str, root: Path | None) -> Modules:
    found = Modules()
    needed_modules(tree, name, root or Path("/nonexistent"), found)
    found.files.pop(name, None)
    return found


@dataclass(frozen=True)
class _Entry:
    """The code whose function is called."""

    function: str
    text: str
    tree: ast.Module
    where: str
    item: Item


def _function_package(
    entry: _Entry,
    captured: Captured,
    problems: list[Problem],
    root: Path,
    params: Mapping[str, Any] | None,
    files: Iterable[str | Path],
    described: Callable[[], Description],
) -> Package:
    """The package of a function, or all that is wrong with it."""
    sent = read_files(files, root)
    problems = [
        *problems,
        *captured.problems,
        *captured.modules.problems,
        *mistakes.run_mistakes(entry.tree, entry.function, params or {}),
        *mistakes.call_mistakes(entry.tree, entry.where, captured.values),
        *mistakes.file_mistakes(entry.tree, entry.where, root, sent),
        *mistakes.doubts(entry.tree, entry.where, captured.objects.keys() | captured.rebound),
        *_absent_here(captured.modules, root),
    ]
    refuse(problems)
    texts = _apart(NOTEBOOK, dict.fromkeys(captured.definitions, "py"))
    values = _apart(OBJECTS, {n: _suffix(form) for n, (form, _, _) in captured.objects.items()})
    manifest = Manifest(
        kind="function",
        entry=ENTRY,
        function=entry.function,
        label=entry.where,
        items=[entry.item, *_items(captured, root)],
        imports=[Import(name=n, module=m, attribute=a) for n, (m, a) in captured.imports.items()],
        definitions=[
            Definition(name=name, path=texts[name], line=found.line)
            for name, found in captured.definitions.items()
        ],
        aliases=[Alias(name=name, of=of) for name, of in captured.aliases.items()],
        objects=[
            DataObject(name=name, path=values[name], form=form, needs=captured.needs.get(name, []))
            for name, (form, _, _) in captured.objects.items()
        ],
        uses=mistakes.uses_of(entry.tree, entry.function, captured.modules.uses),
    )
    members = {f"{CODE}/{ENTRY}": entry.text.encode()} | _module_members(captured.modules)
    for name, found in captured.definitions.items():
        members[texts[name]] = found.text.encode()
    for name, (_, content, _) in captured.objects.items():
        members[values[name]] = content
    return _finished(entry.function, manifest, members, sent, described(), problems)


def _suffix(form: str) -> str:
    return _SUFFIXES.get(form, "arrow")


def _apart(folder: str, suffixes: Mapping[str, str]) -> dict[str, str]:
    """A member for each name; names that differ by case alone lie in folders of their own.

    To a disk that does not tell case apart, ``X`` and ``x`` are one file.
    """
    seen: Counter[str] = Counter()
    paths = {}
    for name, suffix in suffixes.items():
        again = seen[name.casefold()]
        seen[name.casefold()] += 1
        paths[name] = f"{folder}/{again}/{name}.{suffix}" if again else f"{folder}/{name}.{suffix}"
    return paths


def _absent_here(modules: Modules, root: Path) -> list[Problem]:
    """Modules that neither this environment nor the folder has: a slip, most likely."""
    loaded = [use for use in modules.uses if use.name not in sys.modules]
    return missing_modules(loaded, local_names(root))


def _items(captured: Captured, root: Path) -> list[Item]:
    items = [
        Item(name=name, kind=found.kind, size_bytes=len(found.text.encode()), origin="the notebook")
        for name, found in captured.definitions.items()
    ]
    items += [
        Item(name=name, kind="import", origin=f"{m}.{a}" if a else m)
        for name, (m, a) in captured.imports.items()
    ]
    items += [
        Item(name=name, kind="object", size_bytes=len(content), origin=f"{kind} as {form}")
        for name, (form, content, kind) in captured.objects.items()
    ]
    return [*items, *_module_items(captured.modules, root)]


def _module_items(modules: Modules, root: Path | None) -> list[Item]:
    return [
        Item(name=name, kind="module", size_bytes=path.stat().st_size, origin=_folder(root))
        for name, path in modules.files.items()
    ]


def _folder(root: Path | None) -> str:
    return f"folder {root.name}" if root else "an upload"


def _module_members(modules: Modules) -> dict[str, bytes]:
    return {f"{CODE}/{name}": path.read_bytes() for name, path in modules.files.items()}


def _finished(
    name: str,
    manifest: Manifest,
    members: dict[str, bytes],
    files: Mapping[str, bytes],
    description: Description,
    problems: list[Problem],
) -> Package:
    """Add the files that are sent along, and the git commit."""
    members |= {f"{FILES}/{name}": content for name, content in files.items()}
    items = [
        Item(name=n, kind="file", size_bytes=len(c), origin="--files") for n, c in files.items()
    ]
    repository, diff = description
    if diff:
        members[DIFF] = diff
    whole = manifest.model_copy(
        update={"items": [*manifest.items, *items], "repository": repository}
    )
    return Package(name, whole, members, sorted({p for p in problems if p.warning}))
