"""Command line of this package: python -m baoab sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import BAOAB

if __name__ == "__main__":
    sys.exit(main(BAOAB))
