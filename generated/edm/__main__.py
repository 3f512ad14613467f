"""Command line of this package: python -m edm train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import EDM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(EDM, fit=fit, defaults=SETTINGS))
