"""New connections when there are no file descriptors for them: they wait, and the server rests.

Tornado would try again at once, and for as long as it lasts: a processor is lost, a log is filled.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import traceback
from typing import Any

from tornado.ioloop import IOLoop
from tornado.tcpserver import TCPServer

REST_SECONDS = 1.0
_NONE_LEFT = (errno.EMFILE, errno.ENFILE)

logger = logging.getLogger(__name__)


def rest_without_descriptors(server: TCPServer) -> None:
    """Have a server, which listens on the running loop, rest when it cannot accept."""
    loop = asyncio.get_running_loop()
    ordinary = loop.get_exception_handler()

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if _was_accepting(context.get("exception")):
            logger.warning("no file descriptors left: new connections wait")
            _listen(server, 0)
            loop.call_later(REST_SECONDS, _listen, server, IOLoop.READ)
        elif ordinary:
            ordinary(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def _was_accepting(error: object) -> bool:
    if not isinstance(error, OSError) or error.errno not in _NONE_LEFT:
        return False
    return traceback.extract_tb(error.__traceback__)[-1].name == "accept"


def _listen(server: TCPServer, events: int) -> None:
    """Attend to these events of the sockets that it listens on, if it does still."""
    loop = IOLoop.current()
    for descriptor in server._sockets:  # noqa: SLF001 - tornado hands out no list of them
        loop.update_handler(descriptor, events)
