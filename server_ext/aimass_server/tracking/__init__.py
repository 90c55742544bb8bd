"""Curves and TensorBoard: what a job writes while it trains, shown while it trains.

:class:`EventFileReader` tails a job's event files with a reader of our own: incremental, checked,
and able to go on after damage. :class:`TensorBoard` runs TensorBoard over the same files. The room
reads what jobs leave and never writes to it; it has no tables.
"""

from aimass_server.tracking.event_files import EventFileReader
from aimass_server.tracking.tensorboard import TensorBoard

__all__ = ["EventFileReader", "TensorBoard"]
