"""Command line of this package: python -m beta_vae train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import BetaVAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(BetaVAE, fit=fit, defaults=SETTINGS))
