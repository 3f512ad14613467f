"""Command line of this package: python -m conditional_made train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ConditionalMADE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ConditionalMADE, fit=fit, defaults=SETTINGS))
