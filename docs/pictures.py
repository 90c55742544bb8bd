"""Puts pictures that the browser tests made into the manual: ``python docs/pictures.py``.

It owns which pictures the manual shows. It draws nothing: run the browser tests before.
"""

# ruff: noqa: INP001
from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MADE = ROOT / "build" / "screenshots"
SHOWN = ROOT / "docs" / "images"
#: So many colours are told apart by nobody in a picture of a page, and a third of the bytes.
COLOURS = 128


def main() -> int:
    """Renew every picture that the manual shows, and name those that were not made."""
    missing = []
    for shown in sorted(SHOWN.glob("*.png")):
        made = MADE / shown.name
        if made.exists():
            few = Image.open(made).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(shown, optimize=True)
            print(f"{shown.name}: {shown.stat().st_size // 1000} kB")
        else:
            missing.append(shown.name)
    for name in missing:
        print(f"{name}: the browser tests have not made it yet", file=sys.stderr)
    return len(missing)


if __name__ == "__main__":
    sys.exit(main())
