"""Local files in arguments: their bytes are sent, their upload's id takes their place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import is_id
from aimass_jupyter.contract.operation import Operation, marks

if TYPE_CHECKING:
    from aimass_jupyter.client.client import Client


def send_files(client: Client, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with every local file replaced by the id of its upload.

    Raises
    ------
    InvalidRequest
        When a value looks like a path and there is no such file.
    """
    fields = dict(arguments)
    for name, field in operation.fields.items():
        value = fields.get(name)
        if marks(field).get("x-file") and value is not None and not is_id(str(value), "upload"):
            fields.update(_sent(client, operation, name, Path(value).expanduser(), fields))
    return fields


def _sent(
    client: Client, operation: Operation, field: str, path: Path, fields: dict[str, Any]
) -> dict[str, Any]:
    if path.is_file():
        return {field: client.upload(path)}
    if path.is_dir():
        raise InvalidRequest(f"'{path}' is a folder, a file is wanted", "name the file in it")
    if len(path.parts) > 1 or path.suffix or operation.noun == "services":
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        otherwise = f"this folder is {Path.cwd()}"
        raise InvalidRequest(
            f"there is no file '{path}'", did_you_mean(path.name, beside, otherwise)
        )
    return {}
