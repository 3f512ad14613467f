"""Command line of this package: python -m fvsbn train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FVSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FVSBN, fit=fit, defaults=SETTINGS))
