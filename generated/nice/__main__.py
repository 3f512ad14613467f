"""Command line of this package: python -m nice train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import NICE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(NICE, fit=fit, defaults=SETTINGS))
