"""Command line of this package: python -m nuts sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import NUTS

if __name__ == "__main__":
    sys.exit(main(NUTS))
