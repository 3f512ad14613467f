"""Command line of this package: python -m wavenet_layers train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import WaveNet
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(WaveNet, fit=fit, defaults=SETTINGS))
