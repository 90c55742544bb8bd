"""``python -m tests.chaos --kills 300``: a storm, its judgement and its counts.

The exit code is 0 when nothing was lost, done twice, told wrong or left behind.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.report import storm_and_judge


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="of the control plane")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="draws all moments")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="aimass-chaos-"))
    report = storm_and_judge(folder, options.kills, options.seed, say=_say)
    print(report)
    if report.violations:
        print(f"what is left is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _say(text: str) -> None:
    print(f"{time.strftime('%X')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
