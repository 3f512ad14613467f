"""Command line of this package: python -m sbn_rws train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ReweightedSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ReweightedSBN, fit=fit, defaults=SETTINGS))
