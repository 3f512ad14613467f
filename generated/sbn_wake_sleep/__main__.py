"""Command line of this package: python -m sbn_wake_sleep train|sample|eval|test."""

import sys

from gencompiler.runtime.command import main

from .model import WakeSleepSBN
from .train import SETTINGS, fit

if __name__ == "__main__":
    sys.exit(main(WakeSleepSBN, fit=fit, defaults=SETTINGS))
