"""Command line of this package: python -m density_network train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DensityNetwork
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DensityNetwork, fit=fit, defaults=SETTINGS))
