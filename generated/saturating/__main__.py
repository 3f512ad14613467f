"""Command line of this package: python -m saturating train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import SaturatingGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(SaturatingGAN, fit=fit, defaults=SETTINGS))
