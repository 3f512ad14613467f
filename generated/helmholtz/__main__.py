"""Command line of this package: python -m helmholtz train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Helmholtz
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Helmholtz, fit=fit, defaults=SETTINGS))
