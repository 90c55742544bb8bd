"""Local files: the bytes of arguments are sent, those of a download are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import is_id
from aimass_jupyter.contract.operation import Operation, marks
from aimass_jupyter.source.inline import MAX_INLINE_BYTES, as_text, is_inline
from aimass_jupyter.source.package import Package

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
        if isinstance(value, Package):
            fields[name] = _package(client, value)
        elif isinstance(value, str) and is_inline(value):
            continue
        elif marks(field).get("x-file") and value is not None and not is_id(str(value), "upload"):
            fields.update(_sent(client, operation, name, Path(value).expanduser(), fields))
    return fields


def _package(client: Client, package: Package) -> str:
    """Own code as the request takes it: itself, or the id of its upload when it is large."""
    if len(package.content) <= MAX_INLINE_BYTES:
        return as_text(package.content)
    return client.upload_content(f"{package.name}.zip", package.content)


def save(content: bytes, output: str) -> Path:
    """Write a download to a file; returns its path.

    Raises
    ------
    InvalidRequest
        When it cannot be written there.
    """
    path = Path(output).expanduser()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise refused(error, path) from error
    return path


def refused(error: OSError, path: Path | str | None = None) -> InvalidRequest:
    """The error that this machine refused a file with, in a person's words."""
    name = path or error.filename
    what = f"cannot use '{name}'" if name else "this machine refused"
    return InvalidRequest(
        f"{what}: {(error.strerror or type(error).__name__).lower()}",
        "name a file in a folder that is there and that you may use",
    )


def _sent(
    client: Client, operation: Operation, field: str, path: Path, fields: dict[str, Any]
) -> dict[str, Any]:
    if path.is_file():
        return {field: client.upload(path)}
    if path.is_dir():
        raise InvalidRequest(f"'{path}' is a folder, a file is wanted", "name the file in it")
    if path.parts[:1] in (("http:",), ("https:",), ("s3:",), ("ftp:",)):
        address = str(path).replace(":/", "://", 1)
        raise InvalidRequest(
            f"'{address}' is an address, a file is wanted", "download it, then name the file"
        )
    if len(path.parts) > 1 or path.suffix or operation.noun == "services":
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        otherwise = f"this folder is {Path.cwd()}"
        raise InvalidRequest(
            f"there is no file '{path}'", did_you_mean(path.name, beside, otherwise)
        )
    return {}
