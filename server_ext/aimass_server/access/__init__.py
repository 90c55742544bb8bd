"""Who asks and what they may do: principals, the one policy table, tokens, audit.

Identity comes from Jupyter's login or from a token of ours; this room never reads a header itself
(``rest`` does) and never decides what an operation means (its room does).
"""

from aimass_server.access.policy import require, require_owner, rights_of
from aimass_server.access.principal import DEFAULT_TENANT, Call, Principal, runs_this_server
from aimass_server.access.tokens import Tokens

__all__ = [
    "DEFAULT_TENANT",
    "Call",
    "Principal",
    "Tokens",
    "require",
    "require_owner",
    "rights_of",
    "runs_this_server",
]
