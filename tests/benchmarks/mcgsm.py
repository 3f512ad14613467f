"""MCGSM of specs/mixtures/mcgsm.gen on patches of photographs, against a Gaussian and Gaussian mixtures of scikit-learn.

    python -m tests.benchmarks mcgsm --components 1 8 32

All are fitted to the same training rows, and what is said is log p of the same test rows, in nats per pixel.
"""

from __future__ import annotations

import argparse
import math
import warnings

import numpy as np
from numpy.typing import NDArray

from gencompiler.runtime import named
from tests.benchmarks.timing import machine, say


def rows(split: str) -> NDArray[np.float64]:
    """The patches of a split, one after the other."""
    patches = named.read("patches")[split]["x"]
    return np.asarray(patches, dtype=np.float64).reshape(len(patches), -1)


def report(name: str, log_p: NDArray[np.float64], size: int) -> str:
    """The mean over rows per pixel with its standard error, and what it is in bits of a level: x = level / 64."""
    mean, error = log_p.mean() / size, log_p.std() / math.sqrt(len(log_p)) / size
    bits = (math.log(64) - mean) / math.log(2)
    return f"{name:<28} {mean:7.4f} +- {error:.4f} nats per pixel, {bits:.3f} bits per level"


def main(arguments: list[str]) -> None:
    """Fit the peers and say how they do; ours is trained by `genc run specs/mixtures/mcgsm.gen`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--iterations", type=int, default=40)
    chosen = parser.parse_args(arguments)
    train, test = rows("train"), rows("test")
    say(machine())
    for count in chosen.components:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer = GaussianMixture(count, max_iter=chosen.iterations, random_state=0, reg_covar=1e-6).fit(train)
        say(report(f"Gaussian, {count} component{'s' * (count > 1)}", peer.score_samples(test), test.shape[1]))
