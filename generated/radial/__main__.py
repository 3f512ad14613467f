"""Command line of this package: python -m radial train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RadialFlow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RadialFlow, fit=fit, defaults=SETTINGS))
