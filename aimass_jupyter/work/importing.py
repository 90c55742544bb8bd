"""An import: bytes become a table in our form; the control plane makes a dataset version of it."""

from __future__ import annotations

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.data.importer import ERROR, REQUEST, import_dataset
from aimass_jupyter.host import write_record
from aimass_jupyter.work.order import WorkOrder


def run(order: WorkOrder) -> None:
    """Import into the job's folder; what is wrong with the bytes is left there in full."""
    asked, file = order.params, order.spec.input
    source = (
        {"path": order.spec.input_path, "filename": file.name}
        if file
        else {"builtin": asked["source"]}
    )
    write_record(order.folder / REQUEST, {"source": source, "label": asked.get("label")})
    try:
        import_dataset(order.folder)
    except AimassError as error:
        write_record(order.folder / ERROR, error.problem())
        raise
    order.tell(f"{asked['source']} is read")
    order.gives(asked["dataset"])
