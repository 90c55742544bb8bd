"""What is broken on this side: the part of doctor that a server cannot see, also without one.

It looks and tells; it mends nothing, and what it cannot ask is one of its findings.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import secrets
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from aimass_jupyter import __version__
from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.system import JOBS_RUN_IN, SOCKET_PATH, Check, Diagnosis, Status

if TYPE_CHECKING:
    from aimass_jupyter.client.client import Client

_PROXY_CURE = (
    "a proxy on the way must hand on Upgrade and Connection; nginx: proxy_http_version 1.1, "
    "proxy_set_header Upgrade $http_upgrade, proxy_set_header Connection upgrade"
)
#: What a Jupyter server gives its kernels (papermill does not), and what our part of it adds.
_OF_JUPYTER = "JPY_SESSION_NAME"
_OF_OURS = ("AIMASS_URL", "AIMASS_TOKEN_FILE")


def diagnose(connect: Callable[[], Client]) -> Diagnosis:
    """Everything that is known to go wrong, here and at the control plane.

    Parameters
    ----------
    connect
        Finds the control plane; that none answers is told as the others are.
    """
    here = [_python(), _torch(), *_extension()]
    try:
        client = connect()
        status: Status = client.system.status()
    except AimassError as error:
        return _judged([*here, _no_server(error)])
    there = [_versions(status), _sockets(client)]
    try:
        diagnosis: Diagnosis = client.system.doctor()
    except AimassError as error:  # one that answers to some, as of another version
        return _judged([*here, *there, _no_server(error)])
    return _judged([*here, *there, *_environment(diagnosis), *diagnosis.checks])


def _judged(checks: list[Check]) -> Diagnosis:
    return Diagnosis(ok=all(check.ok for check in checks), checks=checks)


def _python() -> Check:
    found = f"Python {sys.version.split()[0]} at {sys.prefix}"
    return Check(name="this process", ok=True, found=found)


def _torch() -> Check:
    there = importlib.util.find_spec("torch") is not None
    found = "torch is here" if there else "no torch here: magics work, training runs in jobs"
    return Check(name="torch", ok=True, found=found)


def _extension() -> list[Check]:
    """In a kernel: whether the Jupyter server that started it has the control plane in it."""
    if _OF_JUPYTER not in os.environ:
        return []
    if any(name in os.environ for name in _OF_OURS):
        return [Check(name="Jupyter server", ok=True, found="it has AI Mass, and told this kernel")]
    return [
        Check(
            name="Jupyter server",
            ok=False,
            found="it does not have AI Mass: no panel, no TensorBoard behind its login",
            cure="install aimass-jupyter where Jupyter itself runs too, and start it again",
        )
    ]


def _no_server(error: AimassError) -> Check:
    return Check(name="control plane", ok=False, found=error.message, cure=error.hint or "")


def _versions(status: Status) -> Check:
    same = status.version == __version__
    found = f"here {__version__}, control plane {status.version}"
    cure = "install the same version in both environments, and start both again"
    return Check(name="versions", ok=same, found=found, cure="" if same else cure)


def _environment(diagnosis: Diagnosis) -> list[Check]:
    """Whether what is installed here is what jobs have."""
    theirs = next((check.found for check in diagnosis.checks if check.name == JOBS_RUN_IN), "")
    if theirs in ("", sys.prefix):
        return []
    return [
        Check(
            name="environment",
            ok=True,
            found=f"this process is {sys.prefix}, jobs run in {theirs}: packages may differ",
            cure="choose the kernel of that environment, or install there what own code imports",
        )
    ]


def _sockets(client: Client) -> Check:
    """Whether a websocket passes, as kernels and their panels need one."""
    try:
        status = client.knock(SOCKET_PATH, _upgrade())
    except httpx.HTTPError as error:
        return Check(name="websocket", ok=False, found=f"blocked: {error}", cure=_PROXY_CURE)
    if status == httpx.codes.SWITCHING_PROTOCOLS:
        return Check(name="websocket", ok=True, found="passes")
    found = f"blocked: {client.url} answered {status} instead of opening one"
    return Check(name="websocket", ok=False, found=found, cure=_PROXY_CURE)


def _upgrade() -> dict[str, str]:
    """What asks for a websocket (RFC 6455, section 4.1)."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
