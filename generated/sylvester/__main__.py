"""Command line of this package: python -m sylvester train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import SylvesterVAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(SylvesterVAE, fit=fit, defaults=SETTINGS))
