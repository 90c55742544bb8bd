"""From a submission to the first optimizer step on two ranks, with the warm launcher ready.

::

    python benchmarks/submit_warm.py [--pairs 5] [--runs 50]

See :mod:`submit` for what is measured.
"""

from __future__ import annotations

from submit import main

if __name__ == "__main__":
    main("submit-warm", warm=True, goal=50, runs=50, description=__doc__.splitlines()[0])
