"""Command line of this package: python -m ais sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import AIS

if __name__ == "__main__":
    sys.exit(main(AIS))
