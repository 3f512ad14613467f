"""Command line of this package: python -m glow train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import Glow
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(Glow, fit=fit, defaults=SETTINGS))
