"""Command line of this package: python -m maf train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import MAFFlow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(MAFFlow, fit=fit, defaults=SETTINGS))
