"""Command line of this package: python -m sbn_score_function train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import ScoreFunctionSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(ScoreFunctionSBN, fit=fit, defaults=SETTINGS))
