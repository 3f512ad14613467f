"""`python -m gencompiler` is `genc`."""

import sys

from gencompiler.cli import main

if __name__ == "__main__":
    sys.exit(main())
