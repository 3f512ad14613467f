"""Command line of this package: python -m rbm_pcd train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import RBM
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(RBM, fit=fit, defaults=SETTINGS))
