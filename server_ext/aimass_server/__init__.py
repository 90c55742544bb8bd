"""What runs the platform: a jupyter-server extension, or a server of its own (``aimass up``).

The rooms and the arrows between them are in ``docs/developers/architecture.md``. Of
``aimass_jupyter`` this package imports ``contract``, ``bundle`` and ``host`` and nothing else; what
needs torch, pandas or ONNX Runtime is started as a program.
"""

from __future__ import annotations

from typing import Any

from aimass_jupyter import __version__

__all__ = ["__version__"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from aimass_server.app import AimassApp

    return [{"module": "aimass_server", "app": AimassApp}]
