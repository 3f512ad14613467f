"""Command line of this package: python -m vae_flow train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FlowVAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FlowVAE, fit=fit, defaults=SETTINGS))
