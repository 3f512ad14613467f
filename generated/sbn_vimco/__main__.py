"""Command line of this package: python -m sbn_vimco train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import VimcoSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(VimcoSBN, fit=fit, defaults=SETTINGS))
