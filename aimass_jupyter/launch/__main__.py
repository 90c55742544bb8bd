"""The program: supervise a folder, or tell of the engines and the hardware of this environment."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m aimass_jupyter.launch", description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("folder", nargs="?", type=Path, help="folder that holds launch.json")
    chosen.add_argument("--engines", action="store_true", help="print the engines as JSON")
    chosen.add_argument("--hardware", action="store_true", help="print the hardware as JSON")
    options = parser.parse_args(arguments)
    if options.engines:
        from aimass_jupyter.launch.launchers import available_engines

        print(json.dumps(available_engines()))
        return 0
    if options.hardware:
        from aimass_jupyter.launch.hardware import find_hardware

        print(json.dumps(find_hardware().as_record()))
        return 0
    from aimass_jupyter.launch.supervisor import supervise

    return supervise(options.folder.resolve())


if __name__ == "__main__":
    sys.exit(main())
