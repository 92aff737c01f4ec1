"""``python -m tutti``: see ``tutti.kit``."""

import sys

from .kit.main import main

if __name__ == "__main__":
    sys.exit(main())
