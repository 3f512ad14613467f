"""Command line of this package: python -m made_orders train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import MADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(MADE, fit=fit, defaults=SETTINGS))
