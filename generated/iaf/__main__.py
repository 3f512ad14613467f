"""Command line of this package: python -m iaf train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import IAF_VAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(IAF_VAE, fit=fit, defaults=SETTINGS))
