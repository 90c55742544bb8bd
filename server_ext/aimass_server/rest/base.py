"""The one base of every handler of ours: who asks, may they, and how an error looks."""

from __future__ import annotations

import errno
import http
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.base.handlers import APIHandler
from tornado import web

from aimass_jupyter.contract.errors import (
    AimassError,
    Forbidden,
    Internal,
    InvalidRequest,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from aimass_server.access import Principal, require, runs_this_server
from aimass_server.access.tokens import PREFIX

if TYPE_CHECKING:
    from aimass_server.app import AimassApp
    from aimass_server.control_plane import ControlPlane

logger = logging.getLogger("aimass.rest")

_BY_STATUS: dict[int, type[AimassError]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound}
_SHARED_LOGINS = (IdentityProvider, PasswordIdentityProvider)
_LACKING = {
    errno.EMFILE: "no file descriptors left",
    errno.ENFILE: "a machine without file descriptors",
    errno.EAGAIN: "no room for another process",
    errno.ENOMEM: "no memory left",
}
_LACK_SECONDS = 5.0


class AimassHandler(APIHandler):
    """Authenticates and authorises in :meth:`prepare`; a subclass says what it needs."""

    def initialize(self, app: AimassApp) -> None:
        self._app = app
        self.principal: Principal | None = None

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane.

        Raises
        ------
        Unavailable
            When another server owns the data folder; it says which.
        """
        return self._app.control_plane_or_raise()

    def permission(self) -> str:
        """The right that this request needs."""
        raise NotImplementedError

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse before anything is read: wrong host or origin, no identity, no right."""
        try:
            await self._identify()
        except web.HTTPError as error:
            if self.current_user is None and self.check_host():  # said alike, whatever the method
                raise self._unknown() from error
            # Jupyter answers 404 to a foreign origin; there is nothing to hide here
            raise web.HTTPError(403 if error.status_code == 404 else error.status_code) from error
        if self.request.method == "OPTIONS":
            return
        self.principal = self.principal or self._from_login()
        require(self.principal, self.permission())

    async def _identify(self) -> None:
        if "token" in self.request.query_arguments:
            raise Unauthenticated(
                "a token in the address would end up in logs and histories",
                "send it in the Authorization header",
            )
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() in ("bearer", "token") and value.startswith(PREFIX):
            self.principal = await self.control_plane.tokens.recognise(value)
            # Jupyter's own checks then see a user that was identified by a token
            self._jupyter_current_user = User(self.principal.user)
            self._token_authenticated = True
            del self.request.headers["Authorization"]  # it is nobody else's business
        await super().prepare()

    def _unknown(self) -> Unauthenticated:
        if "Authorization" in self.request.headers:
            cure = "send one that is; programs of this machine find theirs without AIMASS_TOKEN"
            return Unauthenticated("the token that was sent is not known here", cure)
        return Unauthenticated("no identity was given", "log in, or send a token")

    def _from_login(self) -> Principal:
        """The principal of a Jupyter login.

        Jupyter's own token and password let in whoever knows them under a name drawn at random:
        that is the person who runs this server, so it is that person here.
        """
        user = self.current_user
        if user is None:
            raise self._unknown()
        shared = type(self.identity_provider) in _SHARED_LOGINS
        name = runs_this_server() if shared else user.username
        runs_it = shared or name == os.environ.get("JUPYTERHUB_USER")
        return self._app.principal_of(name, runs_it)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as problem+json."""
        raised = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        error = self._as_aimass_error(status_code, raised)
        status = error.status if raised is error else status_code
        self.set_status(status)
        if error.retry_after is not None:
            self.set_header("Retry-After", str(max(1, round(error.retry_after))))
        if status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        problem = error.problem() | {"status": status}
        self.finish(json.dumps(problem), set_content_type="application/problem+json")

    def _as_aimass_error(self, status_code: int, raised: BaseException | None) -> AimassError:
        if isinstance(raised, AimassError):
            return raised
        if isinstance(raised, web.HTTPError):
            kind = _BY_STATUS.get(status_code, InvalidRequest)
            return kind(http.HTTPStatus(status_code).phrase.lower())
        logger.error("%s %s failed", self.request.method, self.request.path, exc_info=raised)
        if lacking := _what_lacks(raised):
            return Unavailable(
                f"this server has {lacking} just now",
                "try again; an administrator can raise its limits (ulimit -n, ulimit -u)",
                retry_after=_LACK_SECONDS,
            )
        return Internal("the server failed to do this", "see its log")

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Log nothing for errors that tell the asker; the others are logged with their answer."""
        if not isinstance(value, AimassError | web.HTTPError):
            super().log_exception(kind, value, trace)

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")


def _what_lacks(raised: BaseException | None) -> str | None:
    """What of the machine was used up, if that is why something was raised."""
    while raised is not None:
        if isinstance(raised, OSError) and raised.errno in _LACKING:
            return _LACKING[raised.errno]
        raised = raised.__cause__ or raised.__context__
    return None
