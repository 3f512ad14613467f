"""Command line of this package: python -m factor_analysis train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FactorAnalysis
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FactorAnalysis, fit=fit, defaults=SETTINGS))
