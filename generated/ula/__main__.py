"""Command line of this package: python -m ula sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ULA

if __name__ == "__main__":
    sys.exit(main(ULA))
