"""A notebook: executed from its first cell to its last, and kept with its outputs.

papermill runs it, in a kernel of its own. What fails is told by its cell; the notebook is kept as
far as it came.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.training.events import EventWriter
from aimass_jupyter.work.order import WorkOrder

PROGRESS = "progress/fraction"
_LONGEST_VALUE = 500


class CellFailed(Failed):
    """A cell raised."""

    cause = "error"


def run(order: WorkOrder) -> None:
    """Execute the notebook of an order."""
    output = order.artifact(order.params["file"])
    shown = EventWriter(order.folder / "tb")
    # As its author's own kernel would, it finds the control plane that runs it.
    os.environ.setdefault("AIMASS_DATA", str(order.folder.parent.parent))
    try:
        _execute(order, output, shown)
    finally:
        shown.close()
    order.gives(output.name)


def _execute(order: WorkOrder, output: Path, shown: EventWriter) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what papermill's own imports say
        import nbformat
        import papermill
        from nbclient.exceptions import DeadKernelError
        from papermill.exceptions import PapermillExecutionError

        begun: list[int] = []
        engine = _engine_that_tells(order, shown, begun)
        notebook = nbformat.read(  # type: ignore[no-untyped-call]
            order.spec.input_path, as_version=4
        )
    kernel = order.params["kernel"]
    notebook.metadata.setdefault("kernelspec", {}).setdefault("language", "python")
    notebook.metadata["kernelspec"].update(name=kernel)
    notebook.metadata["kernelspec"].setdefault("display_name", kernel)
    try:
        papermill.execute_notebook(
            notebook,
            str(output),
            parameters=order.params["params"],
            engine_name=engine,
            cwd=str(output.parent),
            progress_bar=False,
            kernel_name=kernel,
        )
    except PapermillExecutionError as error:
        raise CellFailed(
            f"cell {error.cell_index + 1}: {error.ename}: {error.evalue[:_LONGEST_VALUE]}",
            _kept(order, output),
        ) from None
    except DeadKernelError:
        where = f"cell {begun[-1] + 1}: " if begun else ""
        raise CellFailed(
            f"{where}the kernel died: it was killed, crashed, or ended itself",
            _kept(order, output),
        ) from None


def _kept(order: WorkOrder, output: Path) -> str:
    return f"it is kept as far as it came: jobs download {order.spec.name} {output.name}"


def _engine_that_tells(order: WorkOrder, shown: EventWriter, begun: list[int]) -> str:
    """Have papermill say how far it is; the name of the engine that does.

    Parameters
    ----------
    begun
        Takes the number of each cell as it begins.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    class Telling(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            begin, save, cells = nb_man.cell_start, nb_man.cell_complete, len(nb_man.nb.cells)

            def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> None:
                begun.append(cell_index or 0)
                begin(cell, cell_index=cell_index, **more)

            def cell_complete(cell: Any, cell_index: int, **more: Any) -> None:
                save(cell, cell_index=cell_index, **more)
                order.tell(f"cell {cell_index + 1} of {cells} is done")
                shown.add(PROGRESS, (cell_index + 1) / cells, cell_index)

            nb_man.cell_start = cell_start
            nb_man.cell_complete = cell_complete
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("aimass", Telling)
    return "aimass"
