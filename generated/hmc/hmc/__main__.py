"""Command line of this package: python -m hmc sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import HMC

if __name__ == "__main__":
    sys.exit(main(HMC))
