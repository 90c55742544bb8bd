"""Clusters: pools of nodes, whether they answer, what is used of them and by whom.

A back-end says how a node is reached: as the command that runs our agent there. All else is the
same for every kind of cluster. Others add back-ends through the entry point group
``aimass_server.clusters``. This room places no job and starts none: the jobs room asks it what
there is and how to get there.
"""

from aimass_server.clusters.inventory import Inventory
from aimass_server.clusters.nodes import Nodes
from aimass_server.clusters.room import Clusters

__all__ = ["Clusters", "Inventory", "Nodes"]
