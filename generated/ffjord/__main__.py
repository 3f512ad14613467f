"""Command line of this package: python -m ffjord train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FFJORD
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FFJORD, fit=fit, defaults=SETTINGS))
