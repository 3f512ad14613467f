"""Command line of this package: python -m ghmc sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GHMC

if __name__ == "__main__":
    sys.exit(main(GHMC))
