"""Command line of this package: python -m sbn_rws_deep train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DeepSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DeepSBN, fit=fit, defaults=SETTINGS))
