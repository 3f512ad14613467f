"""Command line of this package: python -m words train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Words
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Words, fit=fit, defaults=SETTINGS))
