"""The program of work without torch: ``python -m aimass_jupyter.work.program FOLDER``.

It opens its log first, so that whatever goes wrong is read there, and leaves why it failed where
the supervisor finds it.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from aimass_jupyter.contract.job_kinds import WORK
from aimass_jupyter.training.failure import fail
from aimass_jupyter.training.rank import open_log
from aimass_jupyter.work.order import WorkOrder


def main(folder: Path) -> None:
    """Do what the folder's order says."""
    open_log(folder, 0)
    sys.excepthook = partial(fail, folder, 0)
    order = WorkOrder.read(folder)
    import_module(WORK[order.spec.kind].program).run(order)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
