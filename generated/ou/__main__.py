"""Command line of this package: python -m ou sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import OU

if __name__ == "__main__":
    sys.exit(main(OU))
