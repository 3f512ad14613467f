"""Command line of this package: python -m sine train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Rippled
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Rippled, fit=fit, defaults=SETTINGS))
