"""Command line of this package: python -m gaussian_nade train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GaussianNADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GaussianNADE, fit=fit, defaults=SETTINGS))
