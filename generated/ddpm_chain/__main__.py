"""Command line of this package: python -m ddpm_chain train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DiffusionChain
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DiffusionChain, fit=fit, defaults=SETTINGS))
