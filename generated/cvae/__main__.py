"""Command line of this package: python -m cvae train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import CVAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(CVAE, fit=fit, defaults=SETTINGS))
