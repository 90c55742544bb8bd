"""Detached programs: started under a supervisor, read by what they leave, adopted after a restart.

The control plane is never the parent of anything that must outlive it. It starts
``python -m aimass_jupyter.launch FOLDER`` in a session of its own; from then on the folder tells
all: ``lock`` is held while the supervisor lives, ``started.json`` says who it is, ``exit.json`` how
it ended. This room knows nothing of what the program does.

A warm launcher, a child of the control plane, can fork that supervisor instead, from a process that
has imported what jobs need.
"""

from aimass_server.programs.program import Program, ProgramState
from aimass_server.programs.warm import Warm

__all__ = ["Program", "ProgramState", "Warm"]
