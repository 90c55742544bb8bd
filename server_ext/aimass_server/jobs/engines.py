"""Which engines the jobs' environment has; asked once, of a program that runs there."""

from __future__ import annotations

import asyncio
import json
import sys

NOT_ASKED = {"single": "", "torchrun": "", "horovod": "the job environment did not answer"}


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
    if process.returncode:
        return dict(NOT_ASKED)
    found: dict[str, str] = json.loads(output)
    return found
