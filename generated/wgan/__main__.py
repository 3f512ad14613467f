"""Command line of this package: python -m wgan train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import WGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(WGAN, fit=fit, defaults=SETTINGS))
