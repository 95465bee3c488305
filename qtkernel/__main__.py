"""``python -m qtkernel``."""

import os
import sys


def _run() -> None:
    # Python puts the current directory in front of the standard library: a random.py of the
    # user's would stand in for the one that we need. Cells find it again, see qtkernel.app.
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():
        del sys.path[0]
    from qtkernel.app import main

    main()


if __name__ == "__main__":
    _run()
