"""Command line of this package: python -m recurrent_nade train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RecurrentNADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RecurrentNADE, fit=fit, defaults=SETTINGS))
