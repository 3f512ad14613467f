"""Command line of this package: python -m iwae train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import IWAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(IWAE, fit=fit, defaults=SETTINGS))
