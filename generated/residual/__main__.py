"""Command line of this package: python -m residual train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ResidualFlow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ResidualFlow, fit=fit, defaults=SETTINGS))
