"""Command line of this package: python -m sprinkler train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Sprinkler
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Sprinkler, fit=fit, defaults=SETTINGS))
