"""Command line of this package: python -m gan_grid train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GridGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GridGAN, fit=fit, defaults=SETTINGS))
