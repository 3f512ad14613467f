"""Command line of this package: python -m fokker_planck sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DoubleWell

if __name__ == "__main__":
    sys.exit(main(DoubleWell))
