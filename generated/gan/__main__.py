"""Command line of this package: python -m gan train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GAN, fit=fit, defaults=SETTINGS))
