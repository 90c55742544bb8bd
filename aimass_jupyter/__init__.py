"""What a person imports in a notebook and what a job imports while it trains.

Importing this package is light: it pulls in neither torch nor the contract. The rooms below it
are described in ``docs/developers/architecture.md``; ``import-linter`` holds the arrows between
them.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from aimass_jupyter.training.tracked_run import TrackedRun

try:
    __version__ = version("aimass-jupyter")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__", "connect", "load_ipython_extension", "start_run"]


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


def start_run(
    name: str | None = None,
    *,
    experiment: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Iterable[str] = (),
    notes: str = "",
) -> TrackedRun:
    """Track what this notebook or script does, without a job; ``with`` ends the run.

    Parameters
    ----------
    name
        What the run is called; by default as its experiment, else ``run``.
    experiment
        The group that it belongs to; by default its name.
    params
        What it is made with: shown, compared, and seen in TensorBoard's HParams.
    tags, notes
        To find it again by.

    Examples
    --------
    >>> with start_run("by-hand", params={"lr": 0.1}) as run:
    ...     run.log(0, loss=0.7)
    """
    from aimass_jupyter.client import connect as connect_client
    from aimass_jupyter.training import tracked_run

    called = name or experiment or "run"
    return tracked_run.start(connect_client(), called, experiment, params or {}, tags, notes)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "aimass-jupyter"}]
