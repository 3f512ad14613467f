"""Command line of this package: python -m hmm_letters train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import HMM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(HMM, fit=fit, defaults=SETTINGS))
