"""Command line of this package: python -m ve train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import VE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(VE, fit=fit, defaults=SETTINGS))
