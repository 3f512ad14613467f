"""Command line of this package: python -m admixture train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Admixture
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Admixture, fit=fit, defaults=SETTINGS))
