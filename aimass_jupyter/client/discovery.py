"""Finding the control plane: where the surroundings say, else where the data folder says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.contract.errors import Unauthenticated
from aimass_jupyter.host import ProcessIdentity, is_alive, read_record

RECORD = "control-plane.json"


@dataclass(frozen=True)
class Address:
    """Where a control plane answers, and what lets us in."""

    url: str
    token: str


@dataclass(frozen=True)
class Owner:
    """Who owns the data folder."""

    url: str
    token_file: Path
    identity: ProcessIdentity
    standalone: bool


def data_folder() -> Path:
    """``AIMASS_DATA``, by default ``aimass`` in Jupyter's data folder."""
    if given := os.environ.get("AIMASS_DATA"):
        return Path(given).absolute()
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "aimass"


def owner(folder: Path) -> Owner | None:
    """The living control plane that owns a data folder."""
    try:
        record = read_record(folder / RECORD)
    except (OSError, json.JSONDecodeError):
        return None
    if record is None:
        return None
    identity = ProcessIdentity.from_record(record["identity"])
    if not is_alive(identity):
        return None
    return Owner(record["url"], Path(record["token_file"]), identity, bool(record["standalone"]))


def find() -> Address | None:
    """The control plane that the environment names, else the data folder's owner.

    An address given with its token is meant as it is. A server hands its kernels the file of a
    token instead: then the data folder comes first, as a server that was started again has another
    address than the one this process was started with.

    Raises
    ------
    Unauthenticated
        When the environment names an address and no token at all: another control plane than the
        one that is meant is never asked instead.
    """
    url, token = os.environ.get("AIMASS_URL", "").rstrip("/"), os.environ.get("AIMASS_TOKEN")
    if url and token:
        return Address(url, token)
    if url and not token and "AIMASS_TOKEN_FILE" not in os.environ:
        raise Unauthenticated(
            f"AIMASS_URL names {url}, and nothing says with which token",
            "set AIMASS_TOKEN as well, or unset AIMASS_URL to use this machine's own",
        )
    found = owner(data_folder())
    if token := token or _token_in_file():
        url = found.url if found else url
        return Address(url, token) if url else None
    if found is None:
        return None
    try:
        return Address(found.url, found.token_file.read_text().strip())
    except FileNotFoundError:  # it is just going
        return None


def _token_in_file() -> str | None:
    try:
        return Path(os.environ["AIMASS_TOKEN_FILE"]).read_text().strip()
    except (KeyError, OSError):
        return None
