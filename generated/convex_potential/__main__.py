"""Command line of this package: python -m convex_potential train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ConvexPotentialFlow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ConvexPotentialFlow, fit=fit, defaults=SETTINGS))
