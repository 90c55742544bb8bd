"""Which engines the jobs' environment has; asked once, of a program that runs there."""

from __future__ import annotations

import asyncio
import json
import sys

_SILENT = "the job environment did not answer: python -m aimass_jupyter.launch --engines"


async def find_engines(python: str = sys.executable) -> dict[str, str]:
    """Engine → why it cannot be used, or an empty text."""
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        "aimass_jupyter.launch",
        "--engines",
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
    return _parsed(output)


def _parsed(output: bytes) -> dict[str, str]:
    try:
        found = json.loads(output)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return dict.fromkeys(("single", "torchrun", "horovod"), _SILENT)
    return {str(name): str(why_not) for name, why_not in found.items()}
