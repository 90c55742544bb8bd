"""What a person imports in a notebook and what a job imports while it trains.

Importing this package is light: it pulls in neither torch nor the contract. The rooms below it
are described in ``docs/developers/architecture.md``; ``import-linter`` holds the arrows between
them.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

try:
    __version__ = version("aimass-jupyter")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__", "connect", "load_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add ``%aimass`` to an IPython shell (``%load_ext aimass_jupyter``)."""
    from aimass_jupyter.magics import register

    register(shell)


def connect(url: str | None = None, token: str | None = None) -> Any:
    """Return a client of the control plane, starting one on this machine when none answers.

    Parameters
    ----------
    url, token
        Address and token of a control plane. Without them, those of the surrounding Jupyter
        server, else those in the data folder, else of a server that is started.

    Raises
    ------
    aimass_jupyter.contract.errors.Unavailable
        When no control plane answers and none can be started.
    """
    from aimass_jupyter.client import connect as connect_client

    return connect_client(url, token)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "aimass-jupyter"}]
