"""Command line of this package: python -m moons train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Moons
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Moons, fit=fit, defaults=SETTINGS))
