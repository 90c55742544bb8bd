"""Where each operation is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from aimass_server.rest.handlers import (
    BytesHandler,
    EventStreamHandler,
    OperationHandler,
    UnknownRouteHandler,
)
from aimass_server.rest.openapi import OpenApiHandler
from aimass_server.rest.socket import socket_handlers
from aimass_server.rest.tensorboard import tensorboard_handlers

if TYPE_CHECKING:
    from aimass_server.app import AimassApp


def handlers(app: AimassApp, base_url: str) -> list[Any]:
    """Every route of ours, below a base URL."""
    root = url_path_join(base_url, API_ROOT)
    routes: list[Any] = [(re.escape(f"{root}/openapi.json"), OpenApiHandler, {"app": app})]
    for path, operations in _by_path().items():
        kind = _handler_for(operations)
        routes.append((_pattern(root + path), kind, {"app": app, "operations": operations}))
    routes.append((re.escape(root) + "(?:/.*)?", UnknownRouteHandler, {"app": app}))
    return [*routes, *tensorboard_handlers(app, base_url), *socket_handlers(app, base_url)]


def _by_path() -> dict[str, dict[str, Operation]]:
    """Operations by path, fixed paths first: ``/events/stream`` before ``/events/{x}``."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return dict(sorted(paths.items(), key=lambda item: item[0].count("{")))


def _handler_for(operations: dict[str, Operation]) -> type[OperationHandler]:
    if any(operation.body == "bytes" for operation in operations.values()):
        return BytesHandler
    if any(operation.reply == "events" for operation in operations.values()):
        return EventStreamHandler
    return OperationHandler


def _pattern(path: str) -> str:
    parts = re.split(r"{(\w+)}", path)
    return "".join(
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^/]+)"
        for index, part in enumerate(parts)
    )
