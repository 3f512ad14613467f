"""Command line of this package: python -m planar train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import PlanarFlow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(PlanarFlow, fit=fit, defaults=SETTINGS))
