"""Own code in a call: a script, a function or a cell becomes a package, and is sent as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.ids import is_id
from aimass_jupyter.source.inline import is_inline
from aimass_jupyter.source.package import Package, pack_function, pack_script

__all__ = ["Package", "files_named", "listing", "packed"]


def packed(arguments: Mapping[str, Any], files: Iterable[str | Path] = ()) -> dict[str, Any]:
    """The arguments of ``jobs.submit`` with their source, if any, as a package.

    A path is a script, a function is trained, an upload's id and a package stay what they are.

    Raises
    ------
    WrongCode
        Naming each mistake in the code, with its line and its cure.
    """
    source = arguments.get("source")
    if source is None and files:
        raise InvalidRequest("--files travel with own code, and there is none", "name a script")
    if source is None or isinstance(source, Package) or _names_package(source):
        return dict(arguments)
    return dict(arguments) | {"source": _package(source, arguments, files)}


def _names_package(source: Any) -> bool:
    return isinstance(source, str) and (is_id(source, "upload") or is_inline(source))


def _package(source: Any, arguments: Mapping[str, Any], files: Iterable[str | Path]) -> Package:
    if isinstance(source, str | Path):
        return pack_script(Path(source).expanduser(), files)
    if isinstance(source, Callable):  # type: ignore[arg-type]
        return pack_function(source, params=arguments.get("params"), files=files)
    raise InvalidRequest(
        f"a {type(source).__name__} is no code to train", "give a function, or a script's path"
    )


def files_named(options: Mapping[str, Any]) -> list[str]:
    """The files of the option ``--files``."""
    given = options.get("files") or ""
    parts = given if isinstance(given, list | tuple) else str(given).split(",")
    return [name for part in parts if (name := str(part).strip())]


def listing(package: Package) -> str:
    """What travels, a line each, and what may not do what is meant."""
    lines = [f"{_counted(len(package.items))}, {len(package.content):,} bytes:"]
    width = max((len(item.name) for item in package.items), default=0)
    for item in package.items:
        size = f"{item.size_bytes:,} B" if item.size_bytes else ""
        lines.append(f"  {item.kind:<8} {item.name:<{width}}  {size:>12}  {item.origin}".rstrip())
    lines += [f"warning: {problem} → {problem.cure}" for problem in package.warnings]
    return "\n".join(lines)


def _counted(number: int) -> str:
    return "1 thing travels" if number == 1 else f"{number} things travel"
