"""Modules and files beside a notebook or a script: found by name, read, never imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge, did_you_mean
from aimass_jupyter.source.manifest import Use
from aimass_jupyter.source.names import imported_modules
from aimass_jupyter.source.problems import Problem

MAX_FILES = 1000
MAX_FILE_BYTES = 64 * 1024**2
_PIP_NAMES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


@dataclass
class Modules:
    """The local modules that code needs, and the names of the others."""

    files: dict[str, Path] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def needed_modules(tree: ast.AST, where: str, root: Path, found: Modules | None = None) -> Modules:
    """What code imports: local modules with all that these import, and the rest by name.

    Parameters
    ----------
    root
        The folder of the notebook or the script; modules in it travel.
    """
    found = found if found is not None else Modules()
    for name, line, level in imported_modules(tree):
        if level:
            if where == "cell":
                found.problems.append(_relative(name, level, line))
            continue
        top = name.partition(".")[0]
        if take_local(top, root, found):
            found.problems += _absent_part(name, line, where, root)
        elif top not in sys.stdlib_module_names:
            found.uses.append(Use(name=top, line=line, where=where))
    return found


def _absent_part(name: str, line: int, where: str, root: Path) -> list[Problem]:
    """``import package.modul`` of a package in the folder, which has no such module."""
    folder, *parts = root, *name.split(".")
    for part in parts:
        if not folder.is_dir() or any(folder.glob(f"{part}.*")):
            return []  # a module; what it has inside is its own matter
        if not (folder / part).is_dir():
            above = folder.relative_to(root).as_posix().replace("/", ".")
            cure = did_you_mean(part, local_names(folder), "add it, or name another")
            return [Problem(line, f"package '{above}' has no module '{part}'", cure, where)]
        folder = folder / part
    return []


def take_local(top: str, root: Path, found: Modules) -> bool:
    """Take a module that lies in the folder, and what it imports; whether there is one."""
    files = list(_files_of(top, root))
    for file in files:
        name = file.relative_to(root).as_posix()
        if name not in found.files:
            found.files[name] = file
            needed_modules(_parsed(file, name, found), name, root, found)
    if len(found.files) > MAX_FILES:
        raise TooLarge(
            f"more than {MAX_FILES} files of local modules would travel",
            "install the package in the jobs' environment instead",
        )
    return bool(files)


def _files_of(top: str, root: Path) -> Iterator[Path]:
    if (file := root / f"{top}.py").is_file():
        yield file
    elif _is_package(top, root):
        yield from sorted(path for path in (root / top).rglob("*.py") if path.is_file())


def _is_package(top: str, root: Path) -> bool:
    """Whether a folder is a package; one without ``__init__.py`` is none if there is another."""
    if (root / top / "__init__.py").is_file():
        return True
    return (root / top).is_dir() and not _is_installed(top, root)


def _is_installed(top: str, root: Path) -> bool:
    """Whether Python finds a module elsewhere: it goes before a folder that is no package."""
    elsewhere = [path for path in sys.path if path and Path(path).resolve() != root.resolve()]
    spec = PathFinder.find_spec(top, elsewhere)
    return top in sys.stdlib_module_names or (spec is not None and spec.origin is not None)


def _parsed(file: Path, name: str, found: Modules) -> ast.AST:
    try:
        return ast.parse(file.read_bytes(), name)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        text = getattr(error, "msg", str(error))
        found.problems.append(Problem(line, f"not Python: {text}", "mend that module", name))
        return ast.Module(body=[], type_ignores=[])


def _relative(name: str, level: int, line: int) -> Problem:
    return Problem(
        line,
        f"'from {'.' * level}{name} import …' is relative, and a cell is in no package",
        f"import it by its name: from {name or 'module'} import …",
    )


def missing_modules(uses: Iterable[Use], beside: Iterable[str] = ()) -> list[Problem]:
    """The modules that this environment, the jobs', does not have. Nothing is imported."""
    known = {name: _is_there(name) for name in {use.name for use in uses}}
    return [_missing(use, beside) for use in uses if not known[use.name]]


def _is_there(name: str) -> bool:
    if name in sys.builtin_module_names or name in sys.stdlib_module_names:
        return True
    return PathFinder.find_spec(name) is not None


def _missing(use: Use, beside: Iterable[str]) -> Problem:
    package = _PIP_NAMES.get(use.name, use.name)
    install = f"install it where jobs run: pip install {package}"
    near = did_you_mean(use.name, beside, install) if beside else install
    return Problem(use.line, f"there is no module '{use.name}' where jobs run", near, use.where)


def local_names(root: Path) -> list[str]:
    """The modules that lie in a folder, by name."""
    try:
        entries = list(root.iterdir())
    except OSError:
        return []
    return [
        path.stem for path in entries if path.suffix == ".py" or (path / "__init__.py").exists()
    ]


def read_files(names: Iterable[str | Path], root: Path) -> dict[str, bytes]:
    """The files, and those of folders, that are sent along, by their name below the folder.

    Raises
    ------
    InvalidRequest
        When there is none of that name, or it lies elsewhere.
    """
    found: dict[str, bytes] = {}
    for name in names:
        for path in _named(Path(name).expanduser(), root):
            found[path.relative_to(root).as_posix()] = _content(path)
            if len(found) > MAX_FILES:
                raise TooLarge(
                    f"--files {name}: more than {MAX_FILES} files", "import data as a dataset"
                )
    return found


def _named(path: Path, root: Path) -> list[Path]:
    place = (root / path).resolve()
    if not place.exists():
        beside = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        raise InvalidRequest(
            f"--files {path}: there is no such file", did_you_mean(path.name, beside, f"in {root}")
        )
    if not place.is_relative_to(root.resolve()):
        raise InvalidRequest(
            f"--files {path}: it does not lie in {root}", "copy it there, or import a dataset"
        )
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [root / file.relative_to(root.resolve()) for file in files if file.is_file()]


def _content(path: Path) -> bytes:
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise TooLarge(
            f"--files {path.name}: {size:,} bytes; at most {MAX_FILE_BYTES:,} travel",
            "import it as a dataset: %aimass datasets import FILE",
        )
    return path.read_bytes()
