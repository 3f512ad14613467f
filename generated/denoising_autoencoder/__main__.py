"""Command line of this package: python -m denoising_autoencoder train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DAE, fit=fit, defaults=SETTINGS))
