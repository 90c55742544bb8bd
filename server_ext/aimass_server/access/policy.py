"""The one policy table: which role has which rights. What is not here is denied."""

from __future__ import annotations

from aimass_jupyter.contract.errors import Forbidden
from aimass_jupyter.contract.system import Role
from aimass_server.access.principal import Principal

_VIEWER = frozenset(
    {
        "datasets:read",
        "algorithms:read",
        "clusters:read",
        "jobs:read",
        "runs:read",
        "models:read",
        "endpoints:read",
        "services:read",
        "events:read",
        "system:read",
        "predict:create",
        "tokens:read",
    }
)
_AUTHOR = _VIEWER | {
    "datasets:create",
    "datasets:delete",
    "uploads:create",
    "jobs:create",
    "jobs:stop",
    "runs:create",
    "runs:update",
    "runs:delete",
    "models:promote",
    "models:delete",
    "endpoints:create",
    "endpoints:delete",
    "services:create",
    "services:stop",
    "tokens:create",
    "tokens:delete",
}

RIGHTS: dict[Role, frozenset[str]] = {
    "viewer": _VIEWER,
    "author": _AUTHOR,
    "admin": _AUTHOR | {"clusters:manage", "tenant:manage"},
}
ROLES_BY_RANK: tuple[Role, ...] = ("viewer", "author", "admin")


def rights_of(role: Role) -> list[str]:
    """The rights of a role, sorted."""
    return sorted(RIGHTS[role])


def require(principal: Principal, permission: str) -> None:
    """Refuse what the principal's role does not allow.

    Raises
    ------
    Forbidden
        Naming the right and the role.
    """
    if permission not in RIGHTS[principal.role]:
        raise Forbidden(
            f"'{principal.user}' may not do this: '{permission}' is not a right of "
            f"role '{principal.role}'",
            "ask an administrator for another role",
        )


def require_owner(principal: Principal, owner: str, thing: str) -> None:
    """Refuse to change what somebody else owns; an admin (``tenant:manage``) may.

    Raises
    ------
    Forbidden
        Naming the thing and its owner.
    """
    if principal.user != owner and "tenant:manage" not in RIGHTS[principal.role]:
        raise Forbidden(f"{thing} belongs to '{owner}'", "ask its owner or an administrator")


def at_most(asked: Role, principal: Principal) -> Role:
    """The lesser of two roles: nobody hands out more than they have."""
    return min(asked, principal.role, key=ROLES_BY_RANK.index)
