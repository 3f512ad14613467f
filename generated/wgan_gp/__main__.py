"""Command line of this package: python -m wgan_gp train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import WGANGP
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(WGANGP, fit=fit, defaults=SETTINGS))
