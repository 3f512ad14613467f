"""Command line of this package: python -m underdamped sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Underdamped

if __name__ == "__main__":
    sys.exit(main(Underdamped))
