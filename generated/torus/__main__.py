"""Command line of this package: python -m torus train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Torus
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Torus, fit=fit, defaults=SETTINGS))
