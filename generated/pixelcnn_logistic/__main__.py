"""Command line of this package: python -m pixelcnn_logistic train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import PixelCNNPP
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(PixelCNNPP, fit=fit, defaults=SETTINGS))
