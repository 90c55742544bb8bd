"""Runs, curves and TensorBoard: what a job writes while it trains, shown while it trains and after.

:class:`EventFileReader` tails a job's event files with a reader of our own: incremental, checked,
and able to go on after damage. :class:`Runs` and :class:`Experiments` keep what was tracked, and
free it; :class:`TrackedRuns` are those that no job has, whose events programs elsewhere send.
:class:`TensorBoards` runs TensorBoard over the same files, one a tenant. The room reads what jobs
leave and never writes to it; it deletes it when a run is deleted.
"""

from aimass_server.tracking.event_files import EventFileReader
from aimass_server.tracking.runs import Experiments, Place, Runs
from aimass_server.tracking.tensorboard import TensorBoards
from aimass_server.tracking.tracked import TrackedRuns

__all__ = ["EventFileReader", "Experiments", "Place", "Runs", "TensorBoards", "TrackedRuns"]
