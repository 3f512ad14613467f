"""Command line of this package: python -m bigan train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import BiGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(BiGAN, fit=fit, defaults=SETTINGS))
