"""Command line of this package: python -m subvp train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import SubVP
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(SubVP, fit=fit, defaults=SETTINGS))
