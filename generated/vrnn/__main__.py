"""Command line of this package: python -m vrnn train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import VRNN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(VRNN, fit=fit, defaults=SETTINGS))
