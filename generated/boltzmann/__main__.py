"""Command line of this package: python -m boltzmann train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Boltzmann
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Boltzmann, fit=fit, defaults=SETTINGS))
