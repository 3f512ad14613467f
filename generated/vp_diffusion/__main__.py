"""Command line of this package: python -m vp_diffusion train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import VPDiffusion
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(VPDiffusion, fit=fit, defaults=SETTINGS))
