"""What the jobs' environment has, engines and hardware; asked of a program that runs there."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

_SILENT = "the job environment did not answer: python -m aimass_jupyter.launch --engines"


async def find_engines(python: str = sys.executable) -> dict[str, str]:
    """Engine → why it cannot be used, or an empty text."""
    found = await _asked(python, "--engines")
    if not isinstance(found, dict):
        return dict.fromkeys(("single", "torchrun", "horovod"), _SILENT)
    return {str(name): str(why_not) for name, why_not in found.items()}


async def find_hardware(python: str = sys.executable) -> dict[str, Any]:
    """GPUs, and what torch and Horovod were built for; empty when nobody answers."""
    found = await _asked(python, "--hardware")
    return found if isinstance(found, dict) else {}


async def _asked(python: str, question: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        "aimass_jupyter.launch",
        question,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:  # nobody waits for the answer any more
            process.kill()
            await process.wait()
    try:
        return json.loads(output)
    except ValueError:
        return None
