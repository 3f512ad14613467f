"""Command line of this package: python -m lsgan train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import LSGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(LSGAN, fit=fit, defaults=SETTINGS))
