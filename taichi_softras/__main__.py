"""``python -m taichi_softras`` is the command ``taichi-softras``."""

import sys

from .app import main

if __name__ == "__main__":
    sys.exit(main())
