"""``aimass``: the operation table as commands, and ``up`` and ``down`` for the control plane.

Parses with the client room's parser, calls with its client, shows with its views. An error is one
line and its cure on the standard error, and an exit code of its own.
"""

from aimass_jupyter.cli.main import main

__all__ = ["main"]
