"""Command line of this package: python -m switching train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Switching
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Switching, fit=fit, defaults=SETTINGS))
