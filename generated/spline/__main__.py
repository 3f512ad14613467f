"""Command line of this package: python -m spline train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import NSF
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(NSF, fit=fit, defaults=SETTINGS))
