"""Command line of this package: python -m gru train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GRU
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GRU, fit=fit, defaults=SETTINGS))
