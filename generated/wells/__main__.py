"""Command line of this package: python -m wells sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Wells

if __name__ == "__main__":
    sys.exit(main(Wells))
