"""Command line of this package: python -m experts train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Experts
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Experts, fit=fit, defaults=SETTINGS))
