"""What an answer means: an error of the contract, or a fault between two versions.

It reads answers that are there; it sends nothing.
"""

from __future__ import annotations

import httpx

from aimass_jupyter import __version__
from aimass_jupyter.contract.errors import AimassError, Internal, from_problem


def error_of(response: httpx.Response) -> AimassError:
    """The error that an answer stands for."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and "code" in body and "detail" in body:
        return from_problem(body)
    return Internal(
        f"the server answered {response.status_code} to {response.request.url.path}",
        "is the aimass_server extension enabled there? see: jupyter server extension list",
    )


def version_in(response: httpx.Response) -> str:
    """The version that an answer to ``status`` tells; empty when it tells none."""
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("version", ""))[:40] if isinstance(body, dict) else ""


def not_understood(operation: str, url: str, version: str) -> Internal:
    """The error for an answer that is not what this version expects."""
    theirs = f"of version {version}" if version else "of an unknown version"
    return Internal(
        f"the answer to '{operation}' is not understood: here is version {__version__}, "
        f"the control plane at {url} is {theirs}",
        "install the same version in both environments, start the server again: aimass doctor",
    )
