"""Command line of this package: python -m decoder_ais train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import DecoderAIS
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(DecoderAIS, fit=fit, defaults=SETTINGS))
