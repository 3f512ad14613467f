"""Command line of this package: python -m gsn train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GSN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GSN, fit=fit, defaults=SETTINGS))
