"""Checking nodes: by the program that checks them before each job, started here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aimass_jupyter.contract.clusters import Fault
from aimass_jupyter.contract.errors import Unavailable
from aimass_jupyter.contract.jobs import NodePlace

_PROGRAM = ("-m", "aimass_jupyter.launch.nodes.checks")
_SECONDS = 120.0


@dataclass(frozen=True)
class Checked:
    """What the nodes say of themselves, by name, and what is wrong with them."""

    facts: dict[str, dict[str, Any]]
    faults: list[Fault]


async def check(places: Sequence[NodePlace], engine: str = "") -> Checked:
    """Check nodes, also for what one engine alone needs.

    Raises
    ------
    Unavailable
        When they could not be checked at all.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, *_PROGRAM, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    asked = [place.model_dump(mode="json") for place in places]
    question = json.dumps({"places": asked, "engine": engine})
    try:
        said, _ = await asyncio.wait_for(process.communicate(question.encode()), _SECONDS)
        found = json.loads(said)
    except (TimeoutError, ValueError):
        raise Unavailable("the nodes could not be checked", "see the server's log") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return Checked(found["facts"], [Fault.model_validate(fault) for fault in found["faults"]])
