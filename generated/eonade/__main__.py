"""Command line of this package: python -m eonade train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import EoNADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(EoNADE, fit=fit, defaults=SETTINGS))
