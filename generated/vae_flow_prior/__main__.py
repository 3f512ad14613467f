"""Command line of this package: python -m vae_flow_prior train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FlowPriorVAE
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FlowPriorVAE, fit=fit, defaults=SETTINGS))
