"""Command line of this package: python -m realnvp_learned_dequantization train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import LearnedDequantization
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(LearnedDequantization, fit=fit, defaults=SETTINGS))
