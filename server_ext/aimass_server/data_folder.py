"""The data folder: where everything is kept, and which control plane owns it."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from aimass_jupyter.contract.errors import InvalidRequest, Unavailable
from aimass_jupyter.host import FileLock, identify, read_record, write_bytes, write_record

RECORD = "control-plane.json"
TOKEN_FILE = "control-plane.token"


def default_folder() -> Path:
    """``AIMASS_DATA``, by default ``aimass`` in Jupyter's data folder."""
    return Path(os.environ.get("AIMASS_DATA") or Path(jupyter_data_dir()) / "aimass").absolute()


class DataFolder:
    """The folder, owned by at most one control plane at a time.

    While it is owned, ``control-plane.json`` says who owns it and where it answers, and
    ``control-plane.token`` (mode 0600) lets in programs of the same operating-system user.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / "control-plane.lock")

    def own(self) -> None:
        """Make the folder and take it.

        Raises
        ------
        Unavailable
            When another control plane owns it; says which.
        InvalidRequest
            When the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)  # it may have been there before, open to others
            taken = self._lock.acquire()
        except OSError as error:
            raise InvalidRequest(
                f"the data folder {self.path} cannot be used: {os.strerror(error.errno or 0)}",
                "set AIMASS_DATA to a folder that you may write",
            ) from error
        if not taken:
            raise self._owned_by_another()

    def announce(self, url: str, token: str, *, standalone: bool) -> None:
        """Say where the control plane answers, and whether it runs alone (``aimass up``)."""
        write_bytes(self.path / TOKEN_FILE, token.encode())
        identity = identify(os.getpid())
        assert identity is not None  # this very process
        write_record(
            self.path / RECORD,
            {
                "url": url,
                "token_file": str(self.path / TOKEN_FILE),
                "standalone": standalone,
                "identity": identity.as_record(),
            },
        )

    def disown(self) -> None:
        """Give the folder back."""
        if self._lock.held:
            (self.path / RECORD).unlink(missing_ok=True)
            (self.path / TOKEN_FILE).unlink(missing_ok=True)
            self._lock.release()

    def _owned_by_another(self) -> Unavailable:
        record = None
        with contextlib.suppress(json.JSONDecodeError):  # it is being written
            record = read_record(self.path / RECORD)
        where = f"{record['url']} (process {record['identity']['pid']})" if record else "a server"
        return Unavailable(
            f"the data folder {self.path} is owned by the control plane at {where}",
            "use that one, stop it (aimass down), or set AIMASS_DATA to another folder",
            retry_after=5,
        )
