"""Command line of this package: python -m pixelcnn train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import GatedPixelCNN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(GatedPixelCNN, fit=fit, defaults=SETTINGS))
