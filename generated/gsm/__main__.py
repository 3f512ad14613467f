"""Command line of this package: python -m gsm train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GSM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GSM, fit=fit, defaults=SETTINGS))
