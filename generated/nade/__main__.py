"""Command line of this package: python -m nade train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import NADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(NADE, fit=fit, defaults=SETTINGS))
