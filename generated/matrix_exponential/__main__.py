"""Command line of this package: python -m matrix_exponential train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import MatrixExponential
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(MatrixExponential, fit=fit, defaults=SETTINGS))
