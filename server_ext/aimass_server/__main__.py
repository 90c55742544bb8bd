"""``python -m aimass_server``: the control plane alone, on loopback, without a browser.

Options are traits, as Jupyter takes them: ``--AimassApp.warm=False``.
"""

from __future__ import annotations

import os
import sys

from aimass_server.app import AimassApp

os.umask(0o077)
AimassApp.load_other_extensions = False  # the control plane needs none, and starts sooner
AimassApp.launch_instance(  # type: ignore[no-untyped-call]
    [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        "--ServerApp.allow_unauthenticated_access=False",
        "--ServerApp.allow_root=True",
        "--ServerApp.reraise_server_extension_failures=True",  # nothing else is served here
        "--AimassApp.standalone=True",
        *sys.argv[1:],
    ]
)
