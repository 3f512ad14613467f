"""Command line of this package: python -m state_space train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import StateSpace
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(StateSpace, fit=fit, defaults=SETTINGS))
