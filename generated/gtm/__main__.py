"""Command line of this package: python -m gtm train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GTM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GTM, fit=fit, defaults=SETTINGS))
