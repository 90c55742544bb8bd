"""Set-up of this checkout: ``python3 .ci/setup.py [--test]``. `make setup` calls it.

This file parses with any Python 3, to be able to say that one is too old; the work is in
the package ``provision`` beside it.
"""

import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    sys.exit(
        "set-up needs Python {}.{} or newer, and this is Python {}.{} ({}).\n"
        "  Install a newer one (Debian 12, Ubuntu 24.04: apt install python3 python3-venv;\n"
        "  Ubuntu 22.04: apt install python3.11 python3.11-venv), then name it:\n"
        "  make setup PYTHON=python3.11".format(
            OLDEST[0], OLDEST[1], sys.version_info[0], sys.version_info[1], sys.executable
        )
    )

if __name__ == "__main__":
    from provision.command import main

    sys.exit(main(sys.argv[1:]))
