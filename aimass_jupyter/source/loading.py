"""Loading: an unpacked archive as a function to call. It runs own code: in a job's process only."""

from __future__ import annotations

import importlib
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from aimass_jupyter.source.manifest import CODE, MANIFEST, DataObject, Manifest
from aimass_jupyter.source.objects import decode

MODULE = "aimass_cell"


def open_unpacked(folder: Path) -> Manifest:
    """The manifest of an archive that was checked and unpacked."""
    return Manifest.model_validate_json((folder / MANIFEST).read_bytes())


def load_function(folder: Path, manifest: Manifest) -> Callable[[Any], Any]:
    """Give the code all that it had in its notebook, run it, and return its function."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder / CODE))
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module  # data classes and loaders' workers look their module up
    _give_imports(module, manifest)
    pending = _give_objects(module, folder, manifest.objects)
    for definition in manifest.definitions:
        _run(module, folder / definition.path)
        pending = _give_objects(module, folder, pending)
    for alias in manifest.aliases:
        setattr(module, alias.name, getattr(module, alias.of))
    _run(module, folder / CODE / manifest.entry)
    function: Callable[[Any], Any] = getattr(module, manifest.function)
    return function


def _give_imports(module: types.ModuleType, manifest: Manifest) -> None:
    for name in manifest.imports:
        imported = importlib.import_module(name.module)
        setattr(
            module, name.name, getattr(imported, name.attribute) if name.attribute else imported
        )


def _give_objects(
    module: types.ModuleType, folder: Path, objects: Iterable[DataObject]
) -> list[DataObject]:
    """Give what can be made by now; those that wait for a class of their own."""
    pending = []
    for item in objects:
        if all(hasattr(module, name) for name in item.needs):
            content = (folder / item.path).read_bytes()
            setattr(module, item.name, decode(item.form, content, vars(module)))
        else:
            pending.append(item)
    return pending


def _run(module: types.ModuleType, path: Path) -> None:
    module.__file__ = str(path)
    SourceFileLoader(MODULE, str(path)).exec_module(module)


def place_of(error: BaseException, folder: Path, manifest: Manifest) -> str:
    """Where in own code an error came from: ``cell line 7``; empty when it came from elsewhere."""
    if isinstance(error, SyntaxError) and error.filename:
        return _named(Path(error.filename), error.lineno or 0, folder, manifest)
    frames = traceback.extract_tb(error.__traceback__)
    places = [_named(Path(f.filename), f.lineno or 0, folder, manifest) for f in frames]
    return next((place for place in reversed(places) if place), "")


def _named(path: Path, line: int, folder: Path, manifest: Manifest) -> str:
    for code in (folder / CODE, (folder / CODE).resolve()):  # a link to where it runs
        if path.is_relative_to(code):
            name = path.relative_to(code).as_posix()
            return f"{manifest.label if name == manifest.entry else name} line {line}"
    return f"function '{path.stem}' line {line}" if path.is_relative_to(folder) else ""


def own_frames(error: BaseException, folder: Path) -> types.TracebackType | None:
    """The part of a traceback that begins in own code."""
    trace = error.__traceback__
    while trace and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(folder):
        trace = trace.tb_next
    return trace or error.__traceback__
