"""What happened, and what is broken."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, listed, rows
from aimass_jupyter.client.views.words import show
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.system import Diagnosis


@listed.register
def _event(item: Event) -> dict[str, str]:
    return {
        "sequence": str(item.sequence),
        "time": show(item.time),
        "what": item.topic,
        "name": item.name,
        "by": item.actor,
    }


@rows.register
def _diagnosis(diagnosis: Diagnosis) -> Rows:
    marks = [("ok" if c.ok else "BROKEN", c) for c in diagnosis.checks]
    return [(c.name, f"{mark}: {c.found}{f' → {c.cure}' if c.cure else ''}") for mark, c in marks]
