"""Command line of this package: python -m flow_matching train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import FlowMatching
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(FlowMatching, fit=fit, defaults=SETTINGS))
