"""Notebooks that come to be executed: what they declare is read, and nothing of them is run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean

MOST_BYTES = 64 << 20
DEFAULT_KERNEL = "python3"
_TAG = "parameters"
_SAVE_AGAIN = "open it in JupyterLab and save it again"


def read_notebook(content: bytes, filename: str) -> dict[str, Any]:
    """A notebook's own JSON.

    Raises
    ------
    InvalidRequest
        When it is none.
    """
    if not filename.endswith(".ipynb"):
        raise InvalidRequest(f"'{filename}' is not a notebook", "name a file that ends in .ipynb")
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"'{filename}' does not hold JSON", _SAVE_AGAIN) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise InvalidRequest(f"'{filename}' is not a notebook: it has no cells", _SAVE_AGAIN)
    return notebook


def kernel_of(notebook: Mapping[str, Any]) -> str:
    """The kernel that it asks for."""
    metadata = notebook.get("metadata")
    asked = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = asked.get("name") if isinstance(asked, dict) else None
    return str(name or DEFAULT_KERNEL)


def check_parameters(notebook: Mapping[str, Any], filename: str, given: Iterable[str]) -> None:
    """Refuse a value for what the notebook does not declare: names become code.

    Raises
    ------
    InvalidRequest
        Naming what it declares.
    """
    known = set(declared(notebook))
    for name in given:
        if name not in known:
            cure = did_you_mean(name, known) if known else (
                "give the cell that sets them the tag 'parameters'"
            )  # fmt: skip
            raise InvalidRequest(f"'{filename}' declares no parameter '{name[:80]}'", cure)


def declared(notebook: Mapping[str, Any]) -> Iterator[str]:
    """The names that its cells tagged ``parameters`` set."""
    for cell in notebook["cells"]:
        if _is_tagged(cell):
            yield from _names(_source(cell))


def _is_tagged(cell: object) -> bool:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and _TAG in tags


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _names(source: str) -> Iterator[str]:
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        return
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))
