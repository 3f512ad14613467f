"""Command line of this package: python -m hinge train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import HingeGAN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(HingeGAN, fit=fit, defaults=SETTINGS))
