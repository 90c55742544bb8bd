"""``python -m aimass_jupyter.cli``: the same as ``aimass``."""

import sys

from aimass_jupyter.cli.main import main

sys.exit(main())
