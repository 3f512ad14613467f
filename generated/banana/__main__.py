"""Command line of this package: python -m banana sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Banana

if __name__ == "__main__":
    sys.exit(main(Banana))
