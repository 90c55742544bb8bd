"""From a submission to the first optimizer step on two ranks, with nothing imported before.

::

    python benchmarks/submit_cold.py [--pairs 5] [--runs 5]

See :mod:`submit` for what is measured.
"""

from __future__ import annotations

from submit import main

if __name__ == "__main__":
    main("submit-cold", warm=False, goal=1.5, runs=5, description=__doc__.splitlines()[0])
