"""Work of the queue that is no training: notebooks, evaluations, imports, exports.

Each kind is a module with ``run(order)``, named in ``contract.job_kinds``; it works in the folder
of its job and leaves files there, which the control plane takes in. It imports no torch, knows no
server, and writes nothing outside that folder.
"""

from aimass_jupyter.work.order import WorkOrder

__all__ = ["WorkOrder"]
