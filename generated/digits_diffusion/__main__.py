"""Command line of this package: python -m digits_diffusion train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DigitsDiffusion
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DigitsDiffusion, fit=fit, defaults=SETTINGS))
