"""Command line of this package: python -m warm_up sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import WarmUp

if __name__ == "__main__":
    sys.exit(main(WarmUp))
