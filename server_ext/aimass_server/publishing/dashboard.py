"""The program behind a service: Voila for one frozen notebook, closed in on all sides.

``python -m aimass_server.publishing.dashboard FOLDER`` reads ``FOLDER/settings.json`` (0600: the
token is in there, not in argv), serves until SIGTERM, and writes two records beside it:
``listening.json`` once it listens, ``cell-error.json`` when a cell fails. The control plane never
imports this module.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.routing import Router
from tornado.web import Application, HTTPError
from traitlets.config import Config
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.voila_identity_provider import VoilaIdentityProvider, VoilaLoginHandler

from aimass_jupyter.host import identify, read_record, write_record

HOST = "127.0.0.1"
MAX_VIEWERS = 32
IDLE_SECONDS = 180
CELL_SECONDS = 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FOR_VIEWERS = "This page is not complete. Please tell the person who published it."
_REFUSAL = (
    '<!doctype html><meta charset="utf-8"><title>Not open</title>'
    '<body style="font: 15px/1.5 system-ui, sans-serif; margin: 3rem; max-width: 40rem">'
    "<h1>This page opens with its whole link</h1>"
    "<p>Ask the person who published it for the link, and open it as you get it.</p>"
)
_POLICY = "; ".join(
    (
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        # the page's template names style sheets of another host, which it does not need
        "style-src 'self' 'unsafe-inline'",
    )
)


class Kernels(AsyncMappingKernelManager):
    """A kernel for each viewer, up to a limit."""

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]
        if len(self) >= MAX_VIEWERS:
            raise HTTPError(503, reason="Too many viewers now, try again in a minute")
        return str(await super().start_kernel(**options))


class Leave(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends the kernel of a page that is closed. The kernel's id is the secret of its viewer."""

    def check_xsrf_cookie(self) -> None:
        """The beacon of a page that is closing carries no XSRF token."""


class Refusal(VoilaLoginHandler):  # type: ignore[misc]
    """What people without the token see; there is nothing to log in to."""

    @allow_unauthenticated
    def get(self) -> None:
        self.set_status(403)
        self.finish(_REFUSAL)

    post = get


class Socket(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """The way to a kernel. Strangers get a bare refusal: nobody reads a page over a websocket, and
    Voila lacks the template of Jupyter's, which would fill the log with how it was looked for."""

    def write_error(self, status_code: int, **options: Any) -> None:
        self.finish()


class Door(Router):
    """Moves the token from the address into a header, before anything logs it or hands it on."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        tokens = request.arguments.pop("token", [])
        if tokens:
            request.query_arguments.pop("token", None)
            pairs = parse_qsl(request.query, keep_blank_values=True)
            request.query = urlencode([pair for pair in pairs if pair[0] != "token"])
            request.uri = request.path + (f"?{request.query}" if request.query else "")
            request.headers.setdefault(
                "Authorization", f"token {tokens[0].decode(errors='replace')}"
            )
        return self._application.find_handler(request, **options)


class Dashboard(Voila):  # type: ignore[misc]
    """Voila on a port that it can hand over to its successor without a gap."""

    folder: Path

    def init_handlers(self) -> list[Any]:
        ours = {
            VoilaShutdownKernelHandler: Leave,
            VoilaLoginHandler: Refusal,
            VoilaKernelWebsocketHandler: Socket,
        }
        return [
            (pattern, ours.get(handler, handler), *options)
            for pattern, handler, *options in super().init_handlers()
        ]

    def listen(self) -> None:
        """Listen on the port asked for, or on a free one, until SIGTERM."""
        self.ioloop = IOLoop.current()
        signal.signal(
            signal.SIGHUP, lambda *_: self.ioloop.add_callback_from_signal(self.take_over)
        )
        self._bind(self.port if _is_free(self.port) else 0)
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def take_over(self) -> None:
        """Listen on the port of the version before this one, which still listens there too."""
        record = read_record(self.folder / "take-over.json")
        if record is not None and record["port"] != self.port:
            self._bind(int(record["port"]))

    def _bind(self, port: int) -> None:
        sockets = bind_sockets(port, HOST, socket.AF_INET, reuse_port=True)
        HTTPServer(Door(self.app)).add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        own = identify(os.getpid())
        if own is not None:
            identity = own.as_record()
            write_record(self.folder / "listening.json", {"port": self.port, "identity": identity})


def configuration(folder: Path, settings: dict[str, Any]) -> Config:
    """What Voila is told: nothing but the page, to nobody without the token."""
    hidden = {"file_allowlist": [], "file_denylist": [".*"], "strip_sources": True}
    return Config(
        Voila={
            "ip": HOST,
            "port": settings["port"],
            "open_browser": False,
            "root_dir": str(Path(settings["notebook"]).parent),
            "notebook_path": settings["notebook"],
            "connection_dir_root": str(folder),
            "config_file_paths": [],
            "token": settings["token"],
            "cookie_secret": settings["cookie_secret"].encode(),
            # The default one lets a viewer set the password of the person's Jupyter server.
            "identity_provider_class": VoilaIdentityProvider,
            "tornado_settings": tornado_settings(),
        },
        VoilaConfiguration={
            "allow_template_override": "NOTEBOOK",
            "extension_denylist": ["aimass-jupyter"],
            "multi_kernel_manager_class": Kernels,
            "show_tracebacks": False,
            **hidden,
        },
        VoilaExecutor={
            "cell_error_instruction": _FOR_VIEWERS,
            "cell_timeout_instruction": _FOR_VIEWERS,
            "on_cell_error": lambda **event: note_error(folder, **event),
            "timeout": CELL_SECONDS,
        },
        IdentityProvider={"cookie_options": {"samesite": "Strict"}},
        NotebookNotary={"db_file": ":memory:", "secret": settings["cookie_secret"].encode()},
        MappingKernelManager={"cull_idle_timeout": IDLE_SECONDS, "cull_interval": 30},
        # A kernel that died stays dead. Another in its place knows nothing of the cells before, and
        # if it is there before Voila has seen the death, the page waits for an answer for ever.
        KernelRestarter={"restart_limit": 0},
    )


def tornado_settings() -> dict[str, Any]:
    """Headers and checks of every answer."""
    return {
        "allow_remote_access": False,  # a foreign Host header is refused
        "headers": {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"},
    }


def note_error(folder: Path, *, cell: Any, cell_index: int, execute_reply: Any) -> None:
    """Leave the error of a cell for the author."""
    # The reply knows no error that came up when the cell's result was shown; its output does.
    shown = [output for output in cell.outputs if output["output_type"] == "error"]
    content = shown[0] if shown else execute_reply["content"]
    write_record(
        folder / "cell-error.json",
        {
            "index": cell_index,
            "name": str(content["ename"])[:200],
            "value": _COLOURS.sub("", str(content["evalue"]))[:2000],
        },
    )


def _is_free(port: int) -> bool:
    """Whether nobody listens there; a socket that would share the port could not tell."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    return True


def main(folder: Path) -> None:
    """Serve the notebook that the folder's settings name."""
    settings = read_record(folder / "settings.json")
    if settings is None:
        raise SystemExit(f"{folder} has no settings.json")
    dashboard = Dashboard.instance(config=configuration(folder, settings))
    dashboard.folder = folder
    dashboard.initialize([])
    dashboard.start()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
