"""Command line of this package: python -m asia train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Asia
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Asia, fit=fit, defaults=SETTINGS))
