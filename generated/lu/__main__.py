"""Command line of this package: python -m lu train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import LinearLU
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(LinearLU, fit=fit, defaults=SETTINGS))
