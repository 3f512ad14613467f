"""Command line of this package: python -m vae train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import VAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(VAE, fit=fit, defaults=SETTINGS))
