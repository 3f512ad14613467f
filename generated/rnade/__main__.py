"""Command line of this package: python -m rnade train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RNADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RNADE, fit=fit, defaults=SETTINGS))
