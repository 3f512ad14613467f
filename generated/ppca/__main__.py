"""Command line of this package: python -m ppca train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import PPCA
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(PPCA, fit=fit, defaults=SETTINGS))
