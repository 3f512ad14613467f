"""Command line of this package: python -m mdn train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import MDN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(MDN, fit=fit, defaults=SETTINGS))
