"""Command line of this package: python -m gan_ais train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GeneratorAIS
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GeneratorAIS, fit=fit, defaults=SETTINGS))
