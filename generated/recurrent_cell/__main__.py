"""Command line of this package: python -m recurrent_cell train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RecurrentCell
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RecurrentCell, fit=fit, defaults=SETTINGS))
