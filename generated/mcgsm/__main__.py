"""Command line of this package: python -m mcgsm train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import MCGSM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(MCGSM, fit=fit, defaults=SETTINGS))
