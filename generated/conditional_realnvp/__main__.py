"""Command line of this package: python -m conditional_realnvp train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ConditionalRealNVP
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ConditionalRealNVP, fit=fit, defaults=SETTINGS))
