"""Command line of this package: python -m realnvp train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RealNVP
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RealNVP, fit=fit, defaults=SETTINGS))
