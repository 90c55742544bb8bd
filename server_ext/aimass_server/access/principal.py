"""A principal: somebody who asks. A call: one asking."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass

from aimass_jupyter.contract.system import Role

DEFAULT_TENANT = "default"


@dataclass(frozen=True)
class Principal:
    """A person or a program, with one role in one tenant."""

    user: str
    role: Role
    tenant: str = DEFAULT_TENANT
    token: str | None = None


@dataclass(frozen=True)
class Call:
    """One request of a principal, as the rooms see it."""

    principal: Principal
    operation: str
    idempotency_key: str | None = None
    request_digest: str = ""

    @property
    def user(self) -> str:
        return self.principal.user

    @property
    def tenant(self) -> str:
        return self.principal.tenant


def runs_this_server() -> str:
    """Whose server this is: the Hub's user under JupyterHub, else the operating system's."""
    return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
