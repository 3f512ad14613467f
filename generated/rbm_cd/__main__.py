"""Command line of this package: python -m rbm_cd train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RBMCD
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RBMCD, fit=fit, defaults=SETTINGS))
